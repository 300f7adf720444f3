import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { token } from './fixture.ts'
import { startRunning } from './running.ts'

const soon = { every: 20, timeout: 120_000 }
// A run of 1,200 turns, and its result as JSON five times.
const slow = { timeout: 300_000 }
const limits = { answersCharacters: 60_000_000, answerCharacters: 30_000_000 }

t.test('large answers that are not read have a bound, and small ones go on', slow, async t => {
  const { run, ask, port } = await startRunning(t, { limits })
  const { body } = await run({ prompt: 'turns 1200 10000', workspace: 'a', async: true })
  const path = `/run/result?runId=${body.runId}`
  const isOver = async () => (await ask(path)).body.type === 'result'
  t.ok(await until(isOver, soon))
  const verbose = `${path}&outputFormat=json-verbose`
  const readers = [await unreadAnswer(port, verbose), await unreadAnswer(port, verbose)]
  t.teardown(() => readers.forEach(({ socket }) => void socket.destroy()))
  // Without this, the question below could take the place of the second reader, who would then be refused.
  t.same(
    readers.map(({ status }) => status),
    ['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK'],
  )
  t.match(await ask(verbose), {
    status: 503,
    headers: { 'retry-after': '5', 'content-type': 'application/json' },
    body: { detail: 'too many large answers are being read, retry later', runId: body.runId },
  })
  t.equal((await ask(path)).status, 200, 'the same result without its turns')
  for (const { socket } of readers) socket.destroy()
  const isFree = async () => (await ask(verbose)).status === 200
  t.ok(await until(isFree, soon), 'readers that left give their part back')
})

/** Asks for a path, reads the first bytes of the answer, and leaves the rest of it. */
async function unreadAnswer(port: number, path: string) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`)
  const [first] = (await once(socket, 'data', { signal: AbortSignal.timeout(120_000) })) as [Buffer]
  socket.pause()
  return { socket, status: first.toString().split('\r\n', 1)[0] }
}
