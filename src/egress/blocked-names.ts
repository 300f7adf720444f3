import { command } from '../base/command.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { admits, type Site } from './allowlist.ts'
import type { AccessDecision } from './proxy-log.ts'

/** A name that the agent was refused. `reserved`: on another caller's list, and not meant for the agent. */
export type BlockedName = { name: string; count: number; reserved?: true }

/** Names that `doctor` and `audit` invent to see them refused. */
const invented = /\.(claude-secure\.invalid|audit-[0-9a-f]{8}\.test)$/

/** Bounds memory: the agent decides how many different names there are. */
const maxNames = 10_000

/** Counts names, up to a limit. */
export function createNameCounter() {
  const counts = new Map<string, number>()
  return {
    add(name: string) {
      const count = counts.get(name) ?? 0
      if (count > 0 || counts.size < maxNames) counts.set(name, count + 1)
    },
    /** Returns the most frequent first. */
    counts: () =>
      [...counts]
        .map(([name, count]) => ({ name, count }))
        .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)),
  }
}

/** Counts the unlisted names that the agent requested; fed line by line, so that a log may exceed memory. */
export function createBlockedNames() {
  const counter = createNameCounter()
  return {
    add({ verdict, caller, reason, host }: AccessDecision) {
      if (verdict !== 'denied' || caller !== 'agent' || reason !== 'not-listed') return
      const name = host.toLowerCase().replace(/\.$/, '')
      if (!invented.test(name)) counter.add(name)
    },
    /** Returns the most frequent first and reserved names last, without names that were allowed since. */
    names(
      open: readonly Pick<Site, 'name'>[],
      reserved: readonly Pick<Site, 'name'>[] = [],
    ): BlockedName[] {
      const isOn = (sites: readonly Pick<Site, 'name'>[], name: string) =>
        sites.some(site => admits(site.name.toLowerCase(), name))
      return counter
        .counts()
        .filter(({ name }) => !isOn(open, name))
        .map(
          ({ name, count }): BlockedName =>
            isOn(reserved, name) ? { name, count, reserved: true } : { name, count },
        )
        .sort((a, b) => Number(a.reserved ?? false) - Number(b.reserved ?? false))
    },
  }
}

export function blockedNames(
  decisions: Iterable<AccessDecision>,
  open: readonly Pick<Site, 'name'>[],
  reserved: readonly Pick<Site, 'name'>[] = [],
) {
  const blocked = createBlockedNames()
  for (const decision of decisions) blocked.add(decision)
  return blocked.names(open, reserved)
}

const maxShown = 5

/**
 * Renders each name on a line of its own: names are hostile, and one must not hide another. Suggests this folder's own
 * list. `elsewhere`: the folder of the stack, when it is not the current one.
 */
export function renderBlocked(
  blocked: readonly BlockedName[],
  elsewhere: string | null = null,
): string[] {
  const where = elsewhere === null ? '' : ` in ${terminalLine(elsewhere, 200)}`
  const more = blocked.length - maxShown
  return [
    ...blocked
      .slice(0, maxShown)
      .map(({ name, count, reserved }) =>
        reserved
          ? `blocked: ${name} (${count}×), reserved for other services`
          : `blocked: ${name} (${count}×), ${command(`allow --here ${name}`)}${where}`,
      ),
    ...(more > 0 ? [`blocked: and ${more} more, ${command('log --denied')}`] : []),
  ]
}
