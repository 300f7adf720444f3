import { headerValues } from '../http/headers.ts'
import type { GitTarget } from './git-target.ts'

const requestType = ({ service }: GitTarget) => `application/x-${service}-request`

/**
 * Returns why a request is not one of git's, or null.
 *
 * @param rawHeaders names and values in turn, as received; a parsed set hides a second header.
 */
export function judgeForm(rawHeaders: readonly string[], target: GitTarget): string | null {
  if (target.step === 'refs') return null
  const types = headerValues(rawHeaders, 'content-type')
  if (types.length !== 1 || types[0] !== requestType(target)) return "the content type is not git's"
  const codings = headerValues(rawHeaders, 'content-encoding')
  // What the gateway reads must be what the host reads.
  if (target.service === 'git-receive-pack' && codings.length > 0) {
    return 'a compressed push is not supported'
  }
  return codings.length > 1 || (codings[0] ?? 'gzip') !== 'gzip' ? 'the coding is unknown' : null
}

/** Builds the headers for the host: none of the caller's, but those of a fetch that describe its body. */
export function hostHeaders(
  rawHeaders: readonly string[],
  target: GitTarget,
): Record<string, string> {
  const fetches = target.service === 'git-upload-pack'
  const [version = ''] = headerValues(rawHeaders, 'git-protocol')
  const [coding] = headerValues(rawHeaders, 'content-encoding')
  return {
    // Some hosts answer git by its name alone.
    'user-agent': 'git/2.0 (claude-secure)',
    'accept-encoding': 'identity',
    accept: '*/*',
    // A push has version 0, whose lines the gateway reads.
    ...(fetches && /^version=[012]$/.test(version) && { 'git-protocol': version }),
    ...(target.step === 'command' && { 'content-type': requestType(target) }),
    ...(fetches && target.step === 'command' && coding && { 'content-encoding': coding }),
  }
}
