import { renderDuration } from '../../base/duration.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { AllowlistChange } from '../../egress/edit-allowlist.ts'
import { describeGrant, type Grant } from '../../egress/grants.ts'

/** The client that each list applies to. */
export const listOwner = {
  allowed_sites: 'agent',
  server_sites: 'server',
  grantable_sites: 'grantable',
} as const

/** Renders a change as one line, such as `+ registry.corp.example:8443 (agent, private 10.2.0.0/16)`. */
export function renderChange(change: AllowlistChange, now: Date): string {
  const { kind, list, until, why, by, endless, here } = change
  const { target, terms } = describeGrant({ port: 443, tls: true, ...change })
  const owner = [listOwner[list], ...(here ? ['this folder'] : []), ...terms].join(', ')
  const entry = terminalLine(`${target} (${owner})`)
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

/** Renders an entry of a grants file: `registry.corp.example:8443, private 10.2.0.0/16`. */
export function renderEntry(grant: Omit<Grant, 'until'>): string {
  const { target, terms } = describeGrant(grant)
  return terminalLine([target, ...terms].join(', '))
}

/** Renders an expiry, such as `until 2026-11-21 18:00:00 UTC (2 h)`. */
export function renderEnd(until: string, now: Date): string {
  const left = (Date.parse(until) - now.getTime()) / 1000
  const moment = until.replace('T', ' ').replace('Z', ' UTC')
  return left > 0 ? `until ${moment} (${renderDuration(left)})` : `expired ${moment}`
}
