import type { Finding } from './findings.ts'
import { accessRules, definitions, logRules, tunnelRules } from './policy.ts'
import { parseSquidConf } from './squid-conf.ts'

/** Where the rules of a squid.conf differ from the shipped ones: missing, added or out of order. */
export function ruleFindings(text: string): Finding[] {
  const written = parseSquidConf(text).map(({ line, words }) => ({ line, rule: words.join(' ') }))
  const lines = new Set(written.map(({ rule }) => rule))
  const missing = [...accessRules, ...tunnelRules, ...definitions, ...logRules]
    .filter(rule => !lines.has(rule))
    .map(rule => ({
      severity: 'open' as const,
      message: `the policy lacks: ${rule}`,
      advice: 'take it back from git: git diff proxy/squid.conf',
    }))
  return [...missing, ...foreignRules(written), ...misplacedRules(written)]
}

type Rule = { line: number; rule: string }

/** Defined by proxy/stack-conf. Squid adds lines of one name up: a second one would widen the first. */
const stackNames = ['agent', 'services', 'agent_direct', 'stack_addresses'].map(
  name => `acl ${name}`,
)

/** Directives that open a way, or another way. */
const decisive =
  /^(http_access|ssl_bump|access_log|logformat|tcp_outgoing_address|https?_port|ftp_port|cache_peer|(always|never)_direct|url_rewrite_program|on_unsupported_protocol|sslproxy_cert_error|dns_nameservers) /

/** Rules and definitions that are not ours: each may let something through. */
function foreignRules(written: Rule[]): Finding[] {
  const known = new Set<string>([...accessRules, ...tunnelRules, ...definitions, ...logRules])
  const names = new Set([...stackNames, ...definitions.map(nameOf)])
  return written
    .filter(({ rule }) => !known.has(rule))
    .filter(({ rule }) => decisive.test(rule) || names.has(nameOf(rule)))
    .map(({ line, rule }) => ({
      severity: 'open' as const,
      line,
      message: `not part of the policy: ${rule}`,
      advice: 'remove it, or make sure that you want what it lets through',
    }))
}

/** What a definition defines: `acl private dst …` and `acl private src …` are both about `private`. */
function nameOf(rule: string) {
  const [keyword = '', name = ''] = rule.split(' ')
  return keyword === 'acl' || keyword === 'external_acl_type' ? `${keyword} ${name}` : keyword
}

/** The order is part of the policy: the first rule that matches decides. */
function misplacedRules(written: Rule[]): Finding[] {
  return [accessRules, tunnelRules, logRules].flatMap(rules => {
    const order = new Map<string, number>(rules.map((rule, index) => [rule, index]))
    let last = -1
    for (const { line, rule } of written) {
      const place = order.get(rule)
      if (place === undefined) continue
      if (place < last) {
        return [
          {
            severity: 'open' as const,
            line,
            message: `out of order: ${rule}`,
            advice: 'take the order back from git: git diff proxy/squid.conf',
          },
        ]
      }
      last = place
    }
    return []
  })
}
