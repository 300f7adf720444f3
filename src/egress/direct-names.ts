import * as z from 'zod'
import { parseJsonLine } from '../base/json.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { admits, type Site } from './allowlist.ts'
import { createNameCounter } from './blocked-names.ts'

/**
 * A name that a program asked DNS for, which resolves nothing: it does not use the proxy. A line of
 * `claude-secure-names` in the log of an agent's container, where the agent can write anything: a hint.
 */
const DirectName = z.strictObject({
  event: z.literal('asked-dns'),
  name: z
    .string()
    .max(253)
    .regex(/^([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/),
})

/** Names that no list can open, and those of our own probes. */
const meaningless = /(^|\.)(arpa|internal|invalid|local|localhost|onion)$|\.audit\.test$/

/** Parses a line of the log; undefined for every other line. */
export function parseDirectName(line: string): string | undefined {
  if (!line.includes('"asked-dns"')) return undefined
  const { success, data } = DirectName.safeParse(parseJsonLine(line))
  return success && !meaningless.test(data.name) ? data.name : undefined
}

/** An attempt to reach a name without the proxy: one line of `log`. */
export type DirectAttempt = {
  /** Seconds since 1970, by the engine's clock. */
  ts: number
  caller: 'agent'
  verdict: 'blocked'
  reason: 'asked-without-the-proxy'
  host: string
  /** Service whose program asked. */
  service: string
}

/** Parses a line that the engine has put a time before; undefined for every other line. */
export function parseDirectAttempt(line: string, service: string): DirectAttempt | undefined {
  const space = line.indexOf(' ')
  const host = parseDirectName(line.slice(space + 1))
  const ts = Date.parse(line.slice(0, space)) / 1000
  if (host === undefined || Number.isNaN(ts)) return undefined
  return {
    ts,
    caller: 'agent',
    verdict: 'blocked',
    reason: 'asked-without-the-proxy',
    host,
    service,
  }
}

/** Renders an attempt as one line, in the columns of `renderDecision`. */
export function renderDirectAttempt({ ts, caller, verdict, host, service }: DirectAttempt): string {
  const time = new Date(ts * 1000).toISOString().slice(0, 19).replace('T', ' ')
  return terminalLine(
    `${time} ${verdict} ${caller.padEnd(8)} DNS ${host} (asked without the proxy, in ${service})`,
    400,
  )
}

type Named = Pick<Site, 'name'>

export type DirectNames = { name: string; count: number; open: boolean }[]

/** Counts names; fed line by line. Leaves out those of `known`, which other lines report. */
export function createDirectNames() {
  const counter = createNameCounter()
  return {
    add(line: string) {
      const name = parseDirectName(line)
      if (name !== undefined) counter.add(name)
    },
    /** Returns the most frequent first. `reserved`: names of other callers, which the agent need not reach. */
    names(open: readonly Named[], reserved: readonly Named[] = []): DirectNames {
      const isOn = (sites: readonly Named[], name: string) =>
        sites.some(site => admits(site.name.toLowerCase(), name))
      return counter
        .counts()
        .filter(({ name }) => !isOn(reserved, name))
        .map(({ name, count }) => ({ name, count, open: isOn(open, name) }))
    },
  }
}

const maxDirectShown = 3

/** Renders each name on a line of its own: names are hostile, and one must not hide another. */
export function renderDirect(names: DirectNames): string[] {
  const more = names.length - maxDirectShown
  return [
    ...names
      .slice(0, maxDirectShown)
      .map(
        ({ name, count, open }) =>
          `blocked: ${name} (${count}×), asked without the proxy: ${open ? 'it is on the list, but ' : ''}the program does not use HTTPS_PROXY (docs/images.md)`,
      ),
    ...(more > 0 ? [`blocked: and ${more} more names, asked without the proxy`] : []),
  ]
}
