import { Agent, request } from 'node:http'
import { type Signer, signRunName } from '../../base/run-placeholder.ts'

/** Timeout of the gateway's answer in milliseconds; a run does not wait longer for its name. */
const timeoutMilliseconds = 1_000

/**
 * Announces to the gateway the run that the next requests of a process belong to. Returns false when the
 * gateway did not accept it.
 */
export type AnnounceRun = (meter: string, runId: string) => Promise<boolean>

/**
 * @param base ANTHROPIC_BASE_URL. Announces only to a gateway, which is in the stack and speaks plain HTTP.
 * @param signer proves to the gateway that no agent announces this; null for one that asks no proof.
 */
export function createRunAnnouncer(
  base: string | undefined,
  signer: Signer | null = null,
  now: () => number = Date.now,
): AnnounceRun {
  if (!base?.startsWith('http://')) return async () => false
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  let last = 0
  // Later than the one before, even in the same millisecond or with a clock that was set back.
  const nextTime = () => (last = Math.max(last + 1, now()))
  return (meter, runId) =>
    new Promise(resolve => {
      const call = request(base, {
        agent,
        method: 'HEAD',
        timeout: timeoutMilliseconds,
        headers: {
          'x-claude-secure-meter': meter,
          'x-claude-secure-run': runId,
          ...(signer && { 'x-claude-secure-proof': proofOf(signer, meter, runId, nextTime()) }),
        },
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

function proofOf(signer: Signer, meter: string, run: string, at: number): string {
  return `${at}.${signRunName(signer, { meter, run, at })}`
}
