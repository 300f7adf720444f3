import { Agent, request } from 'node:http'

/** Milliseconds in which the gateway has to answer; a run does not wait longer for its name. */
const patience = 1_000

/** Says at the gateway whose the requests of a process are from now on; false where nobody took it. */
export type NameRun = (meter: string, runId: string) => Promise<boolean>

/**
 * @param base ANTHROPIC_BASE_URL; only a gateway, which is a neighbour and speaks plain HTTP, is told
 */
export function createNameRun(base: string | undefined): NameRun {
  if (!base?.startsWith('http://')) return async () => false
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  return (meter, runId) =>
    new Promise(resolve => {
      const call = request(base, {
        agent,
        method: 'HEAD',
        timeout: patience,
        headers: { 'x-claude-secure-meter': meter, 'x-claude-secure-run': runId },
      })
      call.once('error', () => resolve(false))
      call.once('timeout', () => call.destroy(new Error('the gateway does not answer')))
      call.once('response', answer => {
        answer.resume()
        resolve(answer.statusCode === 200)
      })
      call.end()
    })
}
