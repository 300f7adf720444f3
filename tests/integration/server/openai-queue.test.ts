import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { until } from '../../../src/base/async.ts'
import { repetitions } from '../../support/soak.ts'
import { startRunning } from './running.ts'

const chat = '/openai/v1/chat/completions'
const streams = repetitions({ short: 16, full: 100 })
const generous = { every: 50, timeout: 120_000 }

/** A server whose runs wait for a file, which `openGate` makes. */
async function start(t: Test, options: { runLimit: number; runQueue?: number }) {
  const server = await startRunning(t, options)
  const gate = join(server.folder, 'gate')
  const messages = [{ role: 'user', content: `when ${gate}` }]
  const body = (more: object) => ({ method: 'POST', body: { model: 'haiku', messages, ...more } })
  const started = () => server.events.filter(({ kind }) => kind === 'run-started').length
  return {
    ...server,
    started,
    stream: () => server.open(chat, body({ stream: true })),
    complete: () => server.ask(chat, body({})),
    openGate: () => writeFileSync(gate, ''),
    whenStarted: async (count: number) =>
      t.ok(await until(async () => started() >= count || null, generous), `${count} runs`),
  }
}

t.test(`${streams} streams at once wait for their turn, and none is lost`, async t => {
  const { stream, openGate, started, whenStarted, events } = await start(t, { runLimit: 2 })
  const heads: IncomingMessage[] = []
  const answers = Array.from({ length: streams }, async () => {
    const answer = await stream()
    heads.push(answer)
    return text(answer)
  })
  await whenStarted(2)
  const haveHeads = async () => heads.length >= streams - 2 || null
  t.ok(await until(haveHeads, generous), 'those that wait have their head')
  t.equal(started(), 2)
  const ids = heads.map(({ headers }) => headers['x-claude-run-id'])
  t.equal(new Set(ids).size, heads.length, 'and the id of the run that they will have')
  openGate()
  for (const answer of await Promise.all(answers)) {
    t.match(answer, /"content":"it is there"/)
    t.match(answer, /data: \[DONE\]\n\n$/)
  }
  t.equal(started(), streams, 'each is one run')
  const runs = events.flatMap(event => (event.kind === 'run-started' ? [event.runId] : []))
  t.ok(ids.every(id => runs.some(run => run === id)))
  t.strictSame([...new Set(heads.map(({ statusCode }) => statusCode))], [200])
})

t.test('the queue is bounded, and a client that leaves gets no run', async t => {
  const server = await start(t, { runLimit: 1, runQueue: 1 })
  const first = server.complete()
  await server.whenStarted(1)
  const leaver = await server.stream()
  t.match(await server.complete(), {
    status: 503,
    body: { error: { message: 'too many runs at once: 1 are in progress' } },
  })
  leaver.destroy()
  const second = await until(async () => {
    const answer = await server.stream()
    if (answer.statusCode === 200) return answer
    answer.destroy()
    return null
  }, generous)
  server.openGate()
  t.match(await first, { status: 200 })
  t.match(second && (await text(second)), /data: \[DONE\]\n\n$/)
  t.equal(server.started(), 2)
})

t.test('a server that stops tells those that wait', async t => {
  const server = await start(t, { runLimit: 1 })
  const first = server.complete()
  await server.whenStarted(1)
  const waiting = await server.stream()
  const drained = server.starter.drain(60_000)
  const answer = await text(waiting)
  t.match(answer, /^: waiting for a turn\n\n/)
  t.match(answer, /data: \{"error":\{"message":"the server is stopping, retry later"/)
  t.notMatch(answer, /\[DONE\]/)
  server.openGate()
  t.match(await first, { status: 200 }, 'the run in progress ends as ever')
  await drained
})
