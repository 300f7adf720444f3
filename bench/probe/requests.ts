import { connect } from 'node:net'
import type { RequestsPlan } from './requests-plan.ts'

/**
 * Sends the same GET over several connections, each as soon as the answer before is complete. Prints the answers per
 * second as JSON. It reads only the head's length and status, so that it takes little of the processors that the
 * server shares with it.
 */
const plan = JSON.parse(process.argv[2] ?? '') as RequestsPlan
const calls = plan.tokens.map(token =>
  Buffer.from(
    `GET ${plan.path} HTTP/1.1\r\nHost: ${plan.host}:${plan.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  ),
)
let answers = 0

for (let i = 0; i < plan.connections; i++) {
  const call = calls[i % calls.length]
  if (call) keepAsking(call)
}
await new Promise(resolve => setTimeout(resolve, plan.milliseconds / 4))
const before = answers
const started = performance.now()
await new Promise(resolve => setTimeout(resolve, plan.milliseconds))
const rate = ((answers - before) * 1_000) / (performance.now() - started)
process.stdout.write(JSON.stringify(rate))
process.exit(0)

function keepAsking(call: Buffer) {
  const socket = connect(plan.port, plan.host)
  socket.setNoDelay(true)
  socket.once('connect', () => socket.write(call))
  socket.once('error', fail)
  socket.once('close', () => fail(new Error('the server closed a connection')))
  /** The beginning of an answer whose head is not complete. */
  let beginning = ''
  /** Bytes of the body that are still to come. */
  let missing = 0
  socket.on('data', (chunk: Buffer) => {
    let at = 0
    while (at < chunk.length) {
      if (missing === 0) {
        const known = beginning.length
        beginning += chunk.toString('latin1', at, Math.min(chunk.length, at + 4_096))
        const end = beginning.indexOf('\r\n\r\n')
        if (end === -1) return
        missing = lengthOf(beginning.slice(0, end))
        at += end + 4 - known
        beginning = ''
      }
      const here = Math.min(missing, chunk.length - at)
      missing -= here
      at += here
      if (missing > 0) continue
      answers += 1
      socket.write(call)
    }
  })
}

function lengthOf(text: string): number {
  if (!text.startsWith('HTTP/1.1 200')) fail(new Error(`the server answered ${text}`))
  const [, length] = /\r\ncontent-length: (\d+)/i.exec(text) ?? []
  if (length === undefined) fail(new Error(`an answer has no length: ${text}`))
  return Number(length)
}

function fail(error: Error): never {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
