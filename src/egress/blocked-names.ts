import type { AccessDecision } from './access-log.ts'
import { admits } from './admits.ts'
import type { Site } from './allowlist.ts'

export type BlockedName = { name: string; count: number }

/** Hostile data decides how many different names there are. */
const mostNames = 10_000

/** Counts the names that the agent asked for and that are on no list, also of a log longer than memory. */
export function createBlockedNames() {
  const counts = new Map<string, number>()
  return {
    add({ verdict, caller, reason, host }: AccessDecision) {
      if (verdict !== 'denied' || caller !== 'agent' || reason !== 'not-listed') return
      const name = host.toLowerCase().replace(/\.$/, '')
      const count = counts.get(name) ?? 0
      if (count > 0 || counts.size < mostNames) counts.set(name, count + 1)
    },
    /** The most frequent first, without those that have been opened since. */
    names(open: readonly Site[]): BlockedName[] {
      return [...counts]
        .filter(([name]) => !open.some(site => admits(site.name.toLowerCase(), name)))
        .map(([name, count]) => ({ name, count }))
        .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    },
  }
}

export function blockedNames(decisions: Iterable<AccessDecision>, open: readonly Site[]) {
  const blocked = createBlockedNames()
  for (const decision of decisions) blocked.add(decision)
  return blocked.names(open)
}

const mostShown = 5

/** What to do about them, each on a line of its own: names are hostile, and one must not hide another. */
export function renderBlocked(blocked: readonly BlockedName[]): string[] {
  const more = blocked.length - mostShown
  return [
    ...blocked
      .slice(0, mostShown)
      .map(({ name, count }) => `blocked: ${name} (${count}×), ./claude.ts allow ${name}`),
    ...(more > 0 ? [`blocked: and ${more} more, ./claude.ts log --denied`] : []),
  ]
}
