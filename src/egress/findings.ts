import { isIP } from 'node:net'
import { type Allowlist, parseAllowlist, type Site } from './allowlist.ts'
import { accessRules, definitions, logRules, tunnelRules } from './policy.ts'
import { isShared } from './site-name.ts'
import { parseSquidConf } from './squid-conf.ts'

/** `open`: the policy does not hold as documented. `weak`: it holds, but admits more or less than it seems. */
export type Finding = {
  severity: 'open' | 'weak'
  line?: number
  message: string
  advice: string
}

/** Reviews a squid.conf. Returns nothing for the shipped file. */
export function findings(text: string, path = 'proxy/squid.conf'): Finding[] {
  return [...siteFindings(parseAllowlist(text, path)), ...ruleFindings(text)]
}

/** Reports entries of grants files that admit more than one name, or what the agent should not have. */
export function grantFindings(grants: readonly { name: string; line: number }[]): Finding[] {
  const agent = grants.map(({ name, line }) => ({ name, line, namesOnly: true }))
  return siteFindings({ agent, gateway: [], server: [], grantable: [], login: [] })
}

/** Reports list entries that admit more than one name, or that admit nothing. */
export function siteFindings(allowlist: Allowlist): Finding[] {
  const everywhere = Object.values(allowlist).flat()
  return [
    ...everywhere.flatMap(reverseLookup),
    ...everywhere.flatMap(scope),
    ...agentFindings(allowlist),
  ]
}

function reverseLookup({ name, line, namesOnly }: Site): Finding[] {
  if (namesOnly) return []
  const message = `${name} is listed without -n: any address with a PTR record of that name gets in`
  return [{ severity: 'open', line, message, advice: 'write: dstdomain -n' }]
}

/** Reports the first problem of a name. */
function scope({ name, line }: Site): Finding[] {
  const bare = name.replace(/^\./, '').replace(/\.$/, '').toLowerCase()
  const below = name.startsWith('.')
  const finding = (severity: Finding['severity'], message: string, advice: string): Finding[] => [
    { severity, line, message: `${name} ${message}`, advice },
  ]
  if (isAddress(bare)) {
    return finding('weak', 'is an address, and the proxy refuses addresses', "list the host's name")
  }
  if (name.includes('*')) {
    return finding('weak', 'matches nothing: * is not a wildcard here', 'list single names')
  }
  if (!bare.includes('.')) {
    return below
      ? finding('open', 'admits a whole top-level domain', 'list single names')
      : finding('weak', 'has no dot, and the proxy refuses such names', 'list the full name')
  }
  if (below && isShared(bare)) {
    return finding('open', 'admits names that anyone can register', 'list the one name you use')
  }
  if (below) {
    return finding(
      'weak',
      'admits every subdomain, and DNS queries for each of them',
      'list single names',
    )
  }
  return []
}

function isAddress(name: string) {
  return (
    isIP(name.replace(/^\[|\]$/g, '')) !== 0 ||
    /^(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+))*$/.test(name)
  )
}

/** N15: the model's host accepts uploads with any API key, such as an attacker's. */
function agentFindings({ agent, grantable }: Allowlist): Finding[] {
  return [...agent, ...grantable]
    .filter(({ name }) => /^\.?(api\.)?anthropic\.com\.?$/i.test(name))
    .map(({ name, line }) => ({
      severity: 'open' as const,
      line,
      message: `${name} on the agent's list lets the agent upload data with another API key`,
      advice: 'remove it: the gateway has its own list',
    }))
}

/** Reports rules of a squid.conf that differ from the shipped ones: missing, added or out of order. */
export function ruleFindings(text: string): Finding[] {
  const written = parseSquidConf(text).map(({ line, words }) => ({ line, rule: words.join(' ') }))
  const lines = new Set(written.map(({ rule }) => rule))
  const missing = [...accessRules, ...tunnelRules, ...definitions, ...logRules]
    .filter(rule => !lines.has(rule))
    .map(rule => ({
      severity: 'open' as const,
      message: `missing from the policy: ${rule}`,
      advice: 'restore it, see: git diff proxy/squid.conf',
    }))
  return [...missing, ...foreignRules(written), ...misplacedRules(written)]
}

type Rule = { line: number; rule: string }

/** Defined by proxy/stack-conf. Squid joins lines of one name: a second one would widen the first. */
const stackNames = [
  'agent',
  'services',
  'server',
  'agent_direct',
  'stack_addresses',
  'host_network',
  'resolved_here',
  'not_through_parent',
  // Compiled by proxy/grants.
  'here_sites',
  'granted_checkout',
  'granted_folder',
  'granted_private',
  'granted_closed',
  'granted_plain',
].map(name => `acl ${name}`)

/** Directives that can open a way out. */
const decisive =
  /^(http_access|ssl_bump|access_log|logformat|tcp_outgoing_address|https?_port|ftp_port|cache_peer|(always|never)_direct|url_rewrite_program|on_unsupported_protocol|sslproxy_cert_error|dns_nameservers) /

/** Reports rules and definitions that we did not ship: each may open a way out. */
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
      advice: 'remove it, or confirm that you want what it allows',
    }))
}

/** Returns the name that a rule defines: both `acl private dst …` and `acl private src …` define `private`. */
function nameOf(rule: string) {
  const [keyword = '', name = ''] = rule.split(' ')
  return keyword === 'acl' || keyword === 'external_acl_type' ? `${keyword} ${name}` : keyword
}

/** Reports rules out of order: the first rule that matches decides. */
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
            advice: 'restore the order, see: git diff proxy/squid.conf',
          },
        ]
      }
      last = place
    }
    return []
  })
}
