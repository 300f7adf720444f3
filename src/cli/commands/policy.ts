import { createColors } from 'picocolors'
import { parseLease } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { checkoutRoot } from '../../config/paths.ts'
import type { Allowlist, Site } from '../../egress/allowlist.ts'
import type { Grant, GrantLine } from '../../egress/grants.ts'
import { isOver, untilText } from '../../egress/list-entries.ts'
import { refuseDangerous } from '../../egress/site-name.ts'
import { currentStackName } from '../../operations/find-stacks.ts'
import type { applyPolicyEdit, PolicyResult } from '../../operations/policy/apply-policy.ts'
import { folderGrantsPath, readPolicyLists } from '../../operations/policy/policy-files.ts'
import { sitesOf } from '../../operations/policy/squid-conf.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import type { Invocation } from '../invocation.ts'
import { listOwner, renderChange, renderEnd, renderEntry } from '../render/policy.ts'
import { hasColours } from '../terminal.ts'
import { type AllowOptions, listOf, parsePort, parseTerms } from './policy-options.ts'

/** Allows names for every folder or for this one, and waits until the proxies enforce it. */
export async function allow(
  names: readonly string[],
  options: AllowOptions,
  invocation: Invocation,
) {
  const { signal, log } = invocation
  const seconds = options.for === undefined ? null : parseLease(options.for)
  const list = listOf(options)
  const terms = await parseTerms(names, options)
  const sites = (await Promise.all(names.map(name => sitesOf(name, options, invocation)))).flat()
  for (const site of sites) refuseDangerous(site, { ...options, server: list === 'server_sites' })
  const unique = [...new Set(sites.map(({ name }) => name))]
  const grants = unique.map((name): Grant => ({ name, ...terms }))
  // A preset's hosts come from a client's configuration, and a wildcard has no address.
  const typed = new Set(names.every(name => name.startsWith('@')) ? [] : unique)
  const looked = lookUp(
    grants.filter(({ name }) => typed.has(name) && !name.startsWith('.')),
    signal,
  )
  // The edit's own error is the one to report.
  looked.catch(() => {})
  const result = await edit(
    {
      list,
      allow: grants,
      deny: [],
      here: options.here ?? false,
      ...(seconds && { until: untilText(new Date(Date.now() + seconds * 1000)) }),
    },
    { dryRun: options.dryRun ?? false, log, signal },
  )
  printPolicyResult(result, { json: options.json ?? false, dryRun: options.dryRun ?? false })
  for (const text of await looked) log({ kind: 'warn', text })
  if (list === 'allowed_sites') {
    const { openOtherwise } = await import('../../operations/policy/resolve-name.ts')
    for (const text of await openOtherwise(grants, options.here ?? false)) {
      log({ kind: 'warn', text })
    }
  }
}

/** Resolves the names on this host while the proxies load the edit, and returns warnings. */
async function lookUp(grants: readonly Grant[], signal: AbortSignal): Promise<string[]> {
  const { grantWarnings, parentResolves, resolutionWarning, resolveOnHost } = await import(
    '../../operations/policy/resolve-name.ts'
  )
  // An invalid .env is for other commands to report.
  const parent = await parentResolves().catch(() => false)
  const found = await Promise.all(
    grants.map(async grant => {
      // A name with a private range is reached without the parent.
      const here = !parent || grant.range !== undefined
      const warning = here && resolutionWarning(grant, await resolveOnHost(grant.name, signal))
      return [...grantWarnings(grant), ...(warning ? [warning] : [])]
    }),
  )
  return found.flat()
}

export type DenyOptions = Pick<
  AllowOptions,
  'here' | 'port' | 'server' | 'grantable' | 'services' | 'subdomains' | 'dryRun' | 'json'
>

/** Removes names from the lists of every folder or of this one, and waits until the proxies deny them. */
export async function deny(names: readonly string[], options: DenyOptions, invocation: Invocation) {
  const { signal, log } = invocation
  const port = options.port === undefined ? undefined : parsePort(options.port)
  await parseTerms([], options)
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
  const denied = [...new Set(sites.flat().map(({ name }) => name))]
  const result = await edit(
    {
      list: listOf(options),
      allow: [],
      deny: denied.map(name => ({ name, port })),
      here: options.here ?? false,
    },
    { dryRun: options.dryRun ?? false, log, signal },
  )
  printPolicyResult(result, { json: options.json ?? false, dryRun: options.dryRun ?? false })
  if (listOf(options) === 'allowed_sites') {
    const { stillAllowed } = await import('../../operations/policy/resolve-name.ts')
    for (const text of await stillAllowed(denied, port)) log({ kind: 'warn', text })
  }
}

/** Loads the code of an edit, which asks the engine; `allowlist` only reads files. */
const edit: typeof applyPolicyEdit = async (...parameters) =>
  (await import('../../operations/policy/apply-policy.ts')).applyPolicyEdit(...parameters)

const who: Record<keyof Allowlist, string> = {
  agent: 'the agent',
  server: 'the server stack',
  grantable: 'what serve allow can open to a tenant',
  gateway: 'the model gateway',
  login: 'only a login from inside the container',
}

/** Prints the lists of proxy/squid.conf, the grants, and the list of the current folder. Needs no engine. */
export async function allowlist(options: { json?: boolean }) {
  const state = stateFolder(await currentStackName())
  const { checkout, here, ...lists } = readPolicyLists(checkoutRoot(), state)
  const now = new Date()
  if (options.json) return console.log(terminalJson(report({ lists, checkout, here }, now)))
  const { dim } = createColors(hasColours(process.stdout))
  const row = (text: string, until: string | undefined) =>
    console.log(`  ${text}${until ? dim(`  ${renderEnd(until, now)}`) : ''}`)
  for (const list of ['agent', 'server', 'grantable', 'gateway', 'login'] as const) {
    const sites = lists[list]
    const grants = list === 'agent' ? checkout : []
    console.log(`${who[list]}:${sites.length + grants.length === 0 ? ' nothing' : ''}`)
    for (const { name, until } of sites) row(terminalLine(name), until)
    for (const grant of grants) row(renderEntry(grant), grant.until)
    if (list !== 'agent' || here.length === 0) continue
    console.log(`the agent, in this folder only: ${dim(terminalLine(folderGrantsPath(state)))}`)
    for (const grant of here) row(renderEntry(grant), grant.until)
  }
}

function report(
  found: { lists: Allowlist; checkout: readonly GrantLine[]; here: readonly GrantLine[] },
  now: Date,
) {
  const { lists, checkout, here } = found
  const row = ({ name, line, until }: Site | GrantLine) => ({
    name,
    line,
    until: until ?? null,
    over: isOver(until, now),
  })
  const grant = (entry: GrantLine) => ({
    ...row(entry),
    port: entry.port,
    tls: entry.tls,
    private: entry.range ?? null,
  })
  return {
    version: 1,
    ...Object.fromEntries(Object.entries(lists).map(([list, sites]) => [list, sites.map(row)])),
    grants: checkout.map(grant),
    here: here.map(grant),
  }
}

/** Prints the changes to stdout, and the stacks that enforce them to stderr. */
function printPolicyResult(
  result: PolicyResult,
  { json, dryRun }: { json: boolean; dryRun: boolean },
) {
  if (json) {
    const changes = result.changes.map(({ list, range, ...change }) => ({
      ...change,
      for: listOwner[list],
      ...(range && { private: range }),
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
