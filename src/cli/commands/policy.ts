import { createColors } from 'picocolors'
import { parseLease, renderDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { checkoutRoot } from '../../config/paths.ts'
import type { Allowlist, Site } from '../../egress/allowlist.ts'
import type { AllowlistChange } from '../../egress/edit-allowlist.ts'
import { isOver, untilText } from '../../egress/list-entries.ts'
import { refuseDangerous } from '../../egress/site-name.ts'
import type { applyPolicyEdit, PolicyResult } from '../../operations/policy/apply-policy.ts'
import { readAllowlist, sitesOf } from '../../operations/policy/squid-conf.ts'
import type { Invocation } from '../invocation.ts'
import { hasColours } from '../terminal.ts'

export type AllowOptions = {
  for?: string
  services?: boolean
  subdomains?: boolean
  force?: boolean
  dryRun?: boolean
  json?: boolean
}

/** Adds names to a list in proxy/squid.conf, and waits until the proxies allow them. */
export async function allow(
  names: readonly string[],
  options: AllowOptions,
  invocation: Invocation,
) {
  const { signal, log } = invocation
  const seconds = options.for === undefined ? null : parseLease(options.for)
  const sites = (await Promise.all(names.map(name => sitesOf(name, options, invocation)))).flat()
  for (const site of sites) refuseDangerous(site, options)
  const result = await edit(
    {
      list: options.services ? 'server_sites' : 'allowed_sites',
      allow: [...new Set(sites.map(({ name }) => name))],
      deny: [],
      ...(seconds && { until: untilText(new Date(Date.now() + seconds * 1000)) }),
    },
    { dryRun: options.dryRun ?? false, log, signal },
  )
  printPolicyResult(result, { json: options.json ?? false, dryRun: options.dryRun ?? false })
}

export type DenyOptions = Pick<AllowOptions, 'services' | 'subdomains' | 'dryRun' | 'json'>

/** Removes names from a list in proxy/squid.conf, and waits until the proxies deny them. */
export async function deny(names: readonly string[], options: DenyOptions, invocation: Invocation) {
  const { signal, log } = invocation
  const sites = await Promise.all(
    names.map(async typed => {
      try {
        return await sitesOf(typed, options, invocation)
      } catch (error) {
        // The file may hold an entry that `allow` would refuse; it must be removable.
        if (!(error instanceof UserError) || !/^[\w.*:[\]-]+$/.test(typed)) throw error
        return [{ name: typed.toLowerCase() }]
      }
    }),
  )
  const result = await edit(
    {
      list: options.services ? 'server_sites' : 'allowed_sites',
      allow: [],
      deny: [...new Set(sites.flat().map(({ name }) => name))],
    },
    { dryRun: options.dryRun ?? false, log, signal },
  )
  printPolicyResult(result, { json: options.json ?? false, dryRun: options.dryRun ?? false })
}

/** Loads the code of an edit, which asks the engine; `allowlist` only reads a file. */
const edit: typeof applyPolicyEdit = async (...parameters) =>
  (await import('../../operations/policy/apply-policy.ts')).applyPolicyEdit(...parameters)

const who: Record<keyof Allowlist, string> = {
  agent: 'the agent',
  server: 'the server stack',
  gateway: 'the model gateway',
  login: 'only a login from inside the container',
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

/** The client that each list applies to. */
const listOwner = { allowed_sites: 'agent', server_sites: 'services' } as const

/** Prints the changes to stdout, and the stacks that enforce them to stderr. */
function printPolicyResult(
  result: PolicyResult,
  { json, dryRun }: { json: boolean; dryRun: boolean },
) {
  if (json) {
    const changes = result.changes.map(({ list, ...change }) => ({
      ...change,
      for: listOwner[list],
    }))
    return console.log(terminalJson({ version: 1, dryRun, changes, applied: result.applied }))
  }
  for (const change of result.changes) console.log(renderChange(change, new Date()))
  if (dryRun) console.error('nothing was changed: this was a dry run')
  for (const { stack, seconds } of result.applied) {
    if (seconds !== null)
      console.error(`applied in ${seconds.toFixed(1)} s to ${terminalLine(stack)}`)
  }
}

export function renderChange(change: AllowlistChange, now: Date) {
  const { kind, name, list, until, why, by, endless } = change
  const entry = terminalLine(`${name} (${listOwner[list]})`)
  const end = until ? `, ${renderEnd(until, now)}` : ''
  switch (kind) {
    case 'added':
      return `+ ${entry}${end}`
    case 'changed':
      return `~ ${entry}${end || ', now without an expiry'}`
    case 'kept':
      return `= ${entry} was already allowed${by ? ` by ${terminalLine(by)}` : ''}${end}${endless ? ' without an expiry, which is kept: deny it first to set one' : ''}`
    case 'removed':
      return `- ${entry}${why === 'expired' ? ', expired' : ''}${why === 'covered' ? `, ${terminalLine(by ?? '')} admits it` : ''}`
    case 'absent':
      return `= ${entry} was not allowed`
    default:
      return kind satisfies never
  }
}

/** Renders an expiry, such as `until 2026-11-21 18:00:00 UTC (2 h)`. */
function renderEnd(until: string, now: Date): string {
  const left = (Date.parse(until) - now.getTime()) / 1000
  const moment = until.replace('T', ' ').replace('Z', ' UTC')
  return left > 0 ? `until ${moment} (${renderDuration(left)})` : `expired ${moment}`
}
