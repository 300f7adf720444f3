import { findings } from '../egress/findings.ts'
import { type Check, ok, warning } from './diagnosis.ts'

/** Judges the squid.conf on disk. Throws for one that it cannot parse. */
export function judgeAllowlist(text: string, path: string): Check[] {
  const found = findings(text, path)
  if (found.length === 0) return [ok('allowlist', 'proxy/squid.conf contains the shipped policy')]
  return found.map(({ line, message, advice }) =>
    warning('allowlist', `proxy/squid.conf${line ? `:${line}` : ''}: ${message}`, advice),
  )
}
