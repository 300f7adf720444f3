import { Agent, request } from 'node:http'
import type { Route } from '../system.ts'
import { dial } from './dial.ts'

/**
 * Requests a Messages API over a kept-alive connection, as Claude Code does. Measures milliseconds
 * until the first bytes of the event stream, or decimal MB per second of the whole.
 */
export function createModelClient(route: Route, headers: Record<string, string>) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = (_options, callback) => {
    dial(route).then(
      socket => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    )
    return undefined
  }
  const host = route.tls?.name ?? `${route.host}:${route.port}`

  return (prompt: string, result: 'first-event' | 'rate') =>
    new Promise<number>((resolve, reject) => {
      const started = performance.now()
      const call = request({
        agent,
        method: 'POST',
        path: '/v1/messages',
        headers: { host, 'content-type': 'application/json', ...headers },
      })
      call.once('error', reject)
      call.once('response', answer => {
        let received = 0
        let first = 0
        answer.on('data', (chunk: Buffer) => {
          first ||= performance.now() - started
          received += chunk.length
        })
        answer.once('error', reject)
        answer.once('end', () => {
          const milliseconds = performance.now() - started
          if (answer.statusCode !== 200) reject(new Error(`${host} answered ${answer.statusCode}`))
          else resolve(result === 'first-event' ? first : received / 1_000 / milliseconds)
        })
      })
      call.end(
        JSON.stringify({
          model: 'claude-bench',
          max_tokens: 1_000,
          stream: true,
          messages: [{ role: 'user', content: prompt }],
        }),
      )
    })
}
