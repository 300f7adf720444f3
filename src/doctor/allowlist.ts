import { findings } from '../egress/findings.ts'
import { type Check, ok, warning } from './diagnosis.ts'

/** What a careful reader says of the squid.conf on disk. Throws where it cannot be understood. */
export function judgeAllowlist(text: string, path: string): Check[] {
  const found = findings(text, path)
  if (found.length === 0) return [ok('allowlist', 'proxy/squid.conf holds the shipped policy')]
  return found.map(({ line, message, advice }) =>
    warning('allowlist', `proxy/squid.conf${line ? `:${line}` : ''}: ${message}`, advice),
  )
}
