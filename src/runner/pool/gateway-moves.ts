import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { within } from '../ending/ladder.ts'

/** Milliseconds for the answer of the engine's resolver, which is in the container's own network. */
const resolveMilliseconds = 1_000

/** Returns whether the gateway has another address than at the last call. */
export type HasMoved = () => Promise<boolean>

/**
 * Notices that the engine made the gateway again with another address: Claude Code keeps the address that it
 * resolved first, so a warm process would ask one where nothing listens.
 *
 * @param base ANTHROPIC_BASE_URL
 */
export function createGatewayMoves(
  base: string | undefined,
  resolve: (host: string) => Promise<string> = async host => (await lookup(host, 4)).address,
  milliseconds = resolveMilliseconds,
): HasMoved {
  const host = base?.startsWith('http://') && URL.canParse(base) ? new URL(base).hostname : null
  if (host === null || isIP(host)) return async () => false
  let known: string | null = null
  return async () => {
    let isLate = false
    const ask = async () => {
      const address = await resolve(host)
      // The caller was told that nothing moved; the next call must still see the move.
      if (isLate) return false
      const hasMoved = known !== null && known !== address
      known = address
      return hasMoved
    }
    // A gateway without an address is down, and the run says so.
    const hasMoved = await within(
      ask().catch(() => false),
      milliseconds,
    )
    isLate = true
    return hasMoved
  }
}
