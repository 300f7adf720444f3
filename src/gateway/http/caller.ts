import { createHash, timingSafeEqual } from 'node:crypto'
import { ApiError } from '../api-error.ts'
import { type Credential, placeholderKind } from '../credential.ts'
import { headerValues } from './headers.ts'

/**
 * Rejects a caller that does not send the stack's placeholder in the header of its kind. Rejects any
 * other key even beside the placeholder: with a key of their own, an attacker in the agent could use
 * the allowed origin as a drop box (threat N15).
 *
 * @param rawHeaders names and values in turn, as received; a parsed set hides a second header.
 */
export function checkCaller(rawHeaders: readonly string[], credential: Credential): void {
  const keys = headerValues(rawHeaders, 'x-api-key')
  const bearers = headerValues(rawHeaders, 'authorization')
  if (keys.length + bearers.length === 0) {
    throw new ApiError(
      401,
      'authentication_error',
      'claude-secure: no credential. Send the placeholder of this stack.',
    )
  }
  const expected = placeholderKind(credential) === 'api-key' ? keys : bearers
  const genuine =
    expected.length > 0 &&
    keys.every(key => isSame(key, credential.placeholder)) &&
    bearers.every(bearer => isSame(bearer, `Bearer ${credential.placeholder}`))
  if (!genuine) {
    throw new ApiError(
      403,
      'authentication_error',
      "claude-secure: this credential is not the stack's placeholder. The gateway forwards no other key.",
    )
  }
}

/** Compares hashes in constant time, so that the timing reveals neither content nor length. */
function isSame(presented: string, expected: string): boolean {
  return timingSafeEqual(sha256(presented), sha256(expected))
}

function sha256(text: string) {
  return createHash('sha256').update(text).digest()
}
