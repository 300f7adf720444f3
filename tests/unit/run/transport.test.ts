import t from 'tap'
import { readRunnerEvents } from '../../../src/run/transport.ts'

async function eventsOf(text: string) {
  async function* chunks() {
    yield Buffer.from(text)
  }
  const events: unknown[] = []
  for await (const event of readRunnerEvents(chunks())) events.push(event)
  return events
}

t.test('events are parsed; messages keep keys that we do not know', async t => {
  const message = { type: 'future', new_key: { deep: [1] } }
  const ended = {
    kind: 'ended',
    outcome: 'completed',
    exitCode: 0,
    signal: null,
    swept: 0,
  }
  const lines = [{ kind: 'claude', message }, ended].map(line => JSON.stringify(line))
  t.same(await eventsOf(`${lines.join('\n\n')}\n`), [{ kind: 'claude', message }, ended])
})

t.test('a line that is not an event is a notice, and does not end the run', async t => {
  const lines = ['{', '[]', '{"kind":"ended"}', '{"kind":"notice","text":"x"}']
  const events = await eventsOf(lines.join('\n'))
  t.match(events.slice(0, 3), Array(3).fill({ kind: 'notice', text: /not an event/ }))
  t.same(events[3], { kind: 'notice', text: 'x' })
})
