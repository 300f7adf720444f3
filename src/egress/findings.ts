import { parseAllowlist } from './allowlist.ts'
import { ruleFindings } from './rule-findings.ts'
import { siteFindings } from './site-findings.ts'

/** `open`: the lock does not hold as promised. `weak`: it holds, and admits more or less than it seems. */
export type Finding = {
  severity: 'open' | 'weak'
  line?: number
  message: string
  advice: string
}

/** What a careful reader would say about a squid.conf. Empty for the shipped file. */
export function findings(text: string, path = 'proxy/squid.conf'): Finding[] {
  return [...siteFindings(parseAllowlist(text, path)), ...ruleFindings(text)]
}
