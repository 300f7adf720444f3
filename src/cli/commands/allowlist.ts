import { createColors } from 'picocolors'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { checkoutRoot } from '../../config/paths.ts'
import type { Allowlist, Site } from '../../egress/allowlist.ts'
import { isOver } from '../../egress/expiry.ts'
import { readAllowlist } from '../../operations/policy/allowlist-file.ts'
import { renderEnd } from '../render/policy.ts'
import { hasColours } from '../terminal.ts'

const who: Record<keyof Allowlist, string> = {
  agent: 'the agent',
  server: 'the server stack',
  gateway: 'the model gateway',
  login: 'a login from inside the container, and nobody else',
}

/** Prints the lists of proxy/squid.conf. Needs no engine: the file is the same for all stacks. */
export async function allowlist(options: { json?: boolean }) {
  const lists = readAllowlist(checkoutRoot())
  const now = new Date()
  if (options.json) {
    const rows = (sites: readonly Site[]) =>
      sites.map(({ name, line, until }) => ({
        name,
        line,
        until: until ?? null,
        over: isOver(until, now),
      }))
    const report = Object.fromEntries(
      Object.entries(lists).map(([list, sites]) => [list, rows(sites)]),
    )
    return console.log(terminalJson({ version: 1, ...report }))
  }
  const { dim } = createColors(hasColours(process.stdout))
  for (const list of ['agent', 'server', 'gateway', 'login'] as const) {
    const sites = lists[list]
    console.log(`${who[list]}:${sites.length === 0 ? ' nothing' : ''}`)
    for (const { name, until } of sites) {
      console.log(`  ${terminalLine(name)}${until ? dim(`  ${renderEnd(until, now)}`) : ''}`)
    }
  }
}
