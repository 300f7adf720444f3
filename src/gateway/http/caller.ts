import { claimedMeter, isSameSecret, signPlaceholder } from '../../base/run-placeholder.ts'
import { ApiError } from '../api-error.ts'
import { type Caller, type Credential, callersOf, placeholderKind } from '../credential.ts'
import { headerValues } from './headers.ts'

/** Who sends a request. */
export type Identity = {
  caller: Caller
  /** The process that the placeholder proves; null for a caller's own placeholder, which names none. */
  meter: string | null
}

/**
 * Returns whose placeholder a request has in the header of its kind, and rejects it without one. Rejects
 * any other key even beside the placeholder: with a key of their own, an attacker in the agent could use
 * the allowed origin as a drop box (threat N15).
 *
 * @param rawHeaders names and values in turn, as received; a parsed set hides a second header.
 */
export function identifyCaller(rawHeaders: readonly string[], credential: Credential): Identity {
  const keys = headerValues(rawHeaders, 'x-api-key')
  const bearers = headerValues(rawHeaders, 'authorization')
  if (keys.length + bearers.length === 0) {
    throw new ApiError(
      401,
      'authentication_error',
      'claude-secure: no credential. Send the placeholder of this stack.',
    )
  }
  const isKey = placeholderKind(credential) === 'api-key'
  const [first = ''] = isKey ? keys : bearers.map(bearer => bearer.replace(/^Bearer /, ''))
  const identity = identify(first, callersOf(credential))
  const genuine =
    keys.every(key => isSameSecret(key, first)) &&
    bearers.every(bearer => isSameSecret(bearer, `Bearer ${first}`))
  if (!identity || !genuine) {
    throw new ApiError(
      403,
      'authentication_error',
      "claude-secure: this credential is not the stack's placeholder. The gateway forwards no other key.",
    )
  }
  return identity
}

/** Compares with every caller's, so that the timing does not tell which one is nearly right. */
function identify(presented: string, callers: readonly Caller[]): Identity | null {
  const meter = claimedMeter(presented)
  const [found] = callers.filter(caller => isSameSecret(presented, expected(caller, meter)))
  return found ? { caller: found, meter: found.meterKey === undefined ? null : meter } : null
}

/** Without a key there are no signed placeholders. */
function expected({ placeholder, meterKey: key }: Caller, meter: string | null): string {
  return key === undefined || meter === null
    ? placeholder
    : signPlaceholder({ placeholder, key }, meter)
}
