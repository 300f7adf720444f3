import { admits, type Site } from './allowlist.ts'
import type { AccessDecision } from './proxy-log.ts'

/** `reserved`: on a list that is not the agent's, and not to be put on the agent's. */
export type BlockedName = { name: string; count: number; reserved?: true }

/** Names that `doctor` and `audit` make up to see them refused: nobody wants them opened. */
const madeUp = /\.(claude-secure\.invalid|audit-[0-9a-f]{8}\.test)$/

/** Hostile data decides how many different names there are. */
const mostNames = 10_000

/** Counts the names that the agent asked for and that are on no list, also of a log longer than memory. */
export function createBlockedNames() {
  const counts = new Map<string, number>()
  return {
    add({ verdict, caller, reason, host }: AccessDecision) {
      if (verdict !== 'denied' || caller !== 'agent' || reason !== 'not-listed') return
      const name = host.toLowerCase().replace(/\.$/, '')
      if (madeUp.test(name)) return
      const count = counts.get(name) ?? 0
      if (count > 0 || counts.size < mostNames) counts.set(name, count + 1)
    },
    /** The most frequent first, without those that have been opened since; reserved ones last. */
    names(open: readonly Site[], reserved: readonly Site[] = []): BlockedName[] {
      const isOn = (sites: readonly Site[], name: string) =>
        sites.some(site => admits(site.name.toLowerCase(), name))
      return [...counts]
        .filter(([name]) => !isOn(open, name))
        .map(
          ([name, count]): BlockedName =>
            isOn(reserved, name) ? { name, count, reserved: true } : { name, count },
        )
        .sort(
          (a, b) =>
            Number(a.reserved ?? false) - Number(b.reserved ?? false) ||
            b.count - a.count ||
            (a.name < b.name ? -1 : 1),
        )
    },
  }
}

export function blockedNames(
  decisions: Iterable<AccessDecision>,
  open: readonly Site[],
  reserved: readonly Site[] = [],
) {
  const blocked = createBlockedNames()
  for (const decision of decisions) blocked.add(decision)
  return blocked.names(open, reserved)
}

const mostShown = 5

/** What to do about them, each on a line of its own: names are hostile, and one must not hide another. */
export function renderBlocked(blocked: readonly BlockedName[]): string[] {
  const more = blocked.length - mostShown
  return [
    ...blocked
      .slice(0, mostShown)
      .map(({ name, count, reserved }) =>
        reserved
          ? `blocked: ${name} (${count}×), which is not the agent's to reach`
          : `blocked: ${name} (${count}×), ./claude.ts allow ${name}`,
      ),
    ...(more > 0 ? [`blocked: and ${more} more, ./claude.ts log --denied`] : []),
  ]
}
