import t from 'tap'
import type { TelegramFailure } from '../../../../src/telegram/bot-api/failure.ts'
import type { Sent } from '../../../../src/telegram/bot-api/sender.ts'
import { plain } from '../../../../src/telegram/jobs/answer.ts'
import { deliver } from '../../../../src/telegram/jobs/deliver.ts'

/** Delivers parts to a Telegram that answers in turn, and then takes everything. */
async function deliverTo(answers: Sent<number>[], { from = 0, stopAt = Number.NaN } = {}) {
  const stop = new AbortController()
  const sent: string[] = []
  const done: number[] = []
  const complete = await deliver({
    messages: {
      async sendFormatted(_spot, { text }, { replyTo } = {}) {
        sent.push(`${text} ${replyTo ?? '-'}`)
        if (sent.length === stopAt) stop.abort()
        return answers.shift() ?? { kind: 'sent', value: 1 }
      },
      document: () => Promise.reject(new Error('no document')),
      file: () => Promise.reject(new Error('no file')),
    },
    ...{ spot: { chat: 1, topic: null }, replyTo: 7, from, folder: null, workerPath: '/w' },
    parts: ['a', 'b', 'c'].map(plain),
    onSent: count => void done.push(count),
    ...{ signal: stop.signal, pause: 1 },
  })
  return { complete, sent, done }
}

const failed = (failure: TelegramFailure): Sent<number> => ({ kind: 'failed', failure })

t.test('the parts go in their order, and the first one answers the message', async t => {
  t.same(await deliverTo([]), { complete: true, sent: ['a 7', 'b -', 'c -'], done: [1, 2, 3] })
  t.same(await deliverTo([], { from: 2 }), { complete: true, sent: ['c -'], done: [3] })
})

t.test('a part that Telegram does not take for now is sent again', async t => {
  const answers: Sent<number>[] = [
    failed({ kind: 'unavailable', reason: 'x' }),
    failed({ kind: 'too-many', seconds: 1 }),
    failed({ kind: 'token' }),
    { kind: 'dropped' },
  ]
  const { sent, done } = await deliverTo(answers)
  t.same(sent, ['a 7', 'a 7', 'a 7', 'a 7', 'a 7', 'b -', 'c -'])
  t.same(done, [1, 2, 3])
})

t.test('a part that Telegram refuses for good is left out', async t => {
  for (const failure of [{ kind: 'blocked' }, { kind: 'gone' }, { kind: 'refused', reason: 'x' }])
    t.same((await deliverTo([failed(failure as TelegramFailure)])).sent, ['a 7', 'b -', 'c -'])
})

t.test('the rest is left for the next start when the server stops', async t => {
  const answers: Sent<number>[] = [{ kind: 'sent', value: 1 }, { kind: 'dropped' }]
  const stopped = await deliverTo(answers, { stopAt: 2 })
  t.same(stopped, { complete: false, sent: ['a 7', 'b -'], done: [1] })
})

t.test('many answers that wait at once are no warning of a leak', async t => {
  const stop = new AbortController()
  const warned: string[] = []
  const note = ({ name }: Error) => void warned.push(name)
  process.on('warning', note)
  t.teardown(() => process.off('warning', note))
  let asked = 0
  const dropped = async (): Promise<Sent<number>> => {
    asked++
    return { kind: 'dropped' }
  }
  const waiting = Array.from({ length: 20 }, () =>
    deliver({
      messages: { sendFormatted: dropped, document: dropped, file: dropped },
      ...{ spot: { chat: 1, topic: null }, replyTo: 7, from: 0, folder: null, workerPath: '/w' },
      ...{ parts: [plain('a')], onSent: () => {}, signal: stop.signal, pause: 60_000 },
    }),
  )
  while (asked < waiting.length) await new Promise(resolve => setImmediate(resolve))
  await new Promise(resolve => setImmediate(resolve))
  stop.abort()
  t.same(
    await Promise.all(waiting),
    waiting.map(() => false),
  )
  t.same(warned, [])
})
