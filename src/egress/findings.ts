import { isIP } from 'node:net'
import { type Allowlist, parseAllowlist, type Site } from './allowlist.ts'
import { accessRules, definitions, logRules, tunnelRules } from './policy.ts'
import { isShared } from './shared-suffixes.ts'
import { parseSquidConf } from './squid-conf.ts'

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

/** What the entries of the lists admit beyond one name, or fail to admit. */
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
  const message = `${name} stands without -n: a PTR record that names it opens its owner's address`
  return [{ severity: 'open', line, message, advice: 'write: dstdomain -n' }]
}

/** The first thing that is odd about a name. */
function scope({ name, line }: Site): Finding[] {
  const bare = name.replace(/^\./, '').replace(/\.$/, '').toLowerCase()
  const below = name.startsWith('.')
  const say = (severity: Finding['severity'], message: string, advice: string): Finding[] => [
    { severity, line, message: `${name} ${message}`, advice },
  ]
  if (isAddress(bare)) {
    return say('weak', 'is an address, and addresses are never let through', "list the host's name")
  }
  if (name.includes('*')) {
    return say('weak', 'matches nothing: * is no wildcard here', 'list single names')
  }
  if (!bare.includes('.')) {
    return below
      ? say('open', 'admits a whole top-level domain', 'list single names')
      : say('weak', 'has no dot, and such names are never let through', 'list the full name')
  }
  if (below && isShared(bare)) {
    return say('open', 'admits names that anybody can register', 'list the one name you use')
  }
  if (below) {
    return say(
      'weak',
      'admits every name below it, and DNS questions for them',
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

/** N15: on the agent's own list the model's host takes anybody's key, and so anybody's uploads. */
function agentFindings({ agent }: Allowlist): Finding[] {
  return agent
    .filter(({ name }) => /^\.?(api\.)?anthropic\.com\.?$/i.test(name))
    .map(({ name, line }) => ({
      severity: 'open' as const,
      line,
      message: `${name} on the agent's list lets it send data out with a key of its own`,
      advice: 'leave it to the gateway, which has its own list',
    }))
}

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
