import type { AccessDecision } from './access-log.ts'

export type BlockedName = { name: string; count: number }

/** Hostile data decides how many different names there are. */
const mostNames = 10_000

/** Counts the names that the agent asked for and that are on no list. */
export function createBlockedNames() {
  const counts = new Map<string, number>()
  return {
    add({ verdict, caller, reason, host }: AccessDecision) {
      if (verdict !== 'denied' || caller !== 'agent' || reason !== 'not-listed') return
      const name = host.toLowerCase().replace(/\.$/, '')
      const count = counts.get(name) ?? 0
      if (count > 0 || counts.size < mostNames) counts.set(name, count + 1)
    },
    /** The most frequent first. */
    names(): BlockedName[] {
      return [...counts]
        .map(([name, count]) => ({ name, count }))
        .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    },
  }
}

const mostShown = 5

/** What to do about them, each on a line of its own: names are hostile, and one must not hide another. */
export function renderBlocked(blocked: readonly BlockedName[]): string[] {
  const more = blocked.length - mostShown
  return [
    ...blocked
      .slice(0, mostShown)
      .map(({ name, count }) => `${name} (${count}×), ./claude.ts allow ${name}`),
    ...(more > 0 ? [`and ${more} more: ./claude.ts log --denied`] : []),
  ]
}
