import { renderDuration } from '../../base/duration.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import type { AllowlistChange } from '../../egress/edit-allowlist.ts'
import type { PolicyResult } from '../../operations/policy/apply-policy.ts'

/** The user of each list, in one word. */
export const listOwner = { allowed_sites: 'agent', server_sites: 'services' } as const

/** Prints the changes to stdout, and the stacks that enforce them to stderr. */
export function printPolicyResult(
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
      return `~ ${entry}${end || ', without an end now'}`
    case 'kept':
      return `= ${entry} was already allowed${by ? ` by ${terminalLine(by)}` : ''}${end}${endless ? ' for good, and stays so: deny it first to give it an end' : ''}`
    case 'removed':
      return `- ${entry}${why === 'expired' ? ', its time was over' : ''}${why === 'covered' ? `, ${terminalLine(by ?? '')} admits it` : ''}`
    case 'absent':
      return `= ${entry} was not allowed`
    default:
      return kind satisfies never
  }
}

/** Renders an expiry, such as `until 2026-11-21 18:00:00 UTC (2 h)`. */
export function renderEnd(until: string, now: Date): string {
  const left = (Date.parse(until) - now.getTime()) / 1000
  const moment = until.replace('T', ' ').replace('Z', ' UTC')
  return left > 0 ? `until ${moment} (${renderDuration(left)})` : `over since ${moment}`
}
