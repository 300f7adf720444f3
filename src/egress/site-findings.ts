import { isIP } from 'node:net'
import type { Allowlist, Site } from './allowlist.ts'
import type { Finding } from './findings.ts'
import { isShared } from './shared-suffixes.ts'

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
