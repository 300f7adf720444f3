import { Agent, request } from 'node:http'

/** Timeout of the gateway's answer in milliseconds; a run does not wait longer for its name. */
const timeoutMilliseconds = 1_000

/**
 * Announces to the gateway the run that the next requests of a process belong to. Returns false when the
 * gateway did not accept it.
 */
export type AnnounceRun = (meter: string, runId: string) => Promise<boolean>

/**
 * @param base ANTHROPIC_BASE_URL. Announces only to a gateway, which is in the stack and speaks plain HTTP.
 */
export function createRunAnnouncer(base: string | undefined): AnnounceRun {
  if (!base?.startsWith('http://')) return async () => false
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  return (meter, runId) =>
    new Promise(resolve => {
      const call = request(base, {
        agent,
        method: 'HEAD',
        timeout: timeoutMilliseconds,
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
