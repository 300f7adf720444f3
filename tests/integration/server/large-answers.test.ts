import { connect } from 'node:net'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { token } from './fixture.ts'
import { startRunning } from './running.ts'

const soon = { every: 20, timeout: 30_000 }
const limits = { answersCharacters: 60_000_000, answerCharacters: 30_000_000 }

t.test('large answers that are not read have a bound, and small ones go on', async t => {
  const { run, ask, port } = await startRunning(t, { limits })
  const { body } = await run({ prompt: 'turns 1200 10000', workspace: 'a', async: true })
  const path = `/run/result?runId=${body.runId}`
  const isOver = async () => (await ask(path)).body.type === 'result'
  t.ok(await until(isOver, soon))
  const verbose = `${path}&outputFormat=json-verbose`
  const head = `GET ${verbose} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`
  const readers = [0, 1].map(() => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write(head)
    return socket
  })
  t.teardown(() => readers.forEach(socket => void socket.destroy()))
  const refused = await until(async () => {
    const answer = await ask(verbose)
    return answer.status === 503 ? answer : null
  }, soon)
  t.match(refused, {
    headers: { 'retry-after': '5', 'content-type': 'application/json' },
    body: { detail: 'too many large answers are being read, retry later', runId: body.runId },
  })
  t.equal((await ask(path)).status, 200, 'the same result without its turns')
  for (const socket of readers) socket.destroy()
  const isFree = async () => (await ask(verbose)).status === 200
  t.ok(await until(isFree, soon), 'readers that left give their part back')
})
