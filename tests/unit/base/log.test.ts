import t from 'tap'
import { type LogEvent, slowStep } from '../../../src/base/log.ts'

const summary = (events: readonly LogEvent[]) => events.map(({ kind }) => kind)

t.test('a short step says nothing', async t => {
  const events: LogEvent[] = []
  const log = (event: LogEvent) => void events.push(event)
  const work = async (progress: (text: string) => void) => {
    progress('half')
    return 'done'
  }
  t.equal(await slowStep(log, 'reading', work, 60_000), 'done')
  await t.rejects(
    slowStep(log, 'reading', () => Promise.reject(new Error('gone')), 60_000),
    { message: 'gone' },
  )
  t.same(events, [])
})

t.test('a long step is shown with its progress and its end', async t => {
  const events: LogEvent[] = []
  let seen = () => {}
  const started = new Promise<void>(resolve => {
    seen = resolve
  })
  const log = (event: LogEvent) => {
    events.push(event)
    seen()
  }
  await slowStep(
    log,
    'reading',
    async progress => {
      progress('too early')
      await started
      progress('half')
    },
    0,
  )
  t.same(summary(events), ['step-start', 'step-progress', 'step-end'])
  t.match(events[1], { name: 'reading', text: 'half' })
})
