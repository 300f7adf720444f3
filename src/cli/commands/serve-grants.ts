import { parseLease } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import type { ServerGrantChange } from '../../egress/server-grants.ts'
import { parseSiteName } from '../../egress/site-name.ts'
import { openContext } from '../../operations/context.ts'
import {
  endGrants,
  grantNames,
  type ServerGrantResult,
} from '../../operations/serve/edit-server-grants.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderEnd } from '../render/policy.ts'

type Options = { name?: string; tenant?: string; json?: boolean }

/** Opens names to tenants of a server for a time, and waits until its proxy enforces it. */
export async function grant(
  typed: readonly string[],
  options: Options & { for: string },
  invocation: Invocation,
) {
  const seconds = parseLease(options.for)
  const names = typed.map(singleName)
  const context = await openContext(invocation, null)
  report(await grantNames(context, { ...edit(names, options), seconds }), options, invocation)
}

/** Ends grants before their time. */
export async function endGrant(typed: readonly string[], options: Options, invocation: Invocation) {
  const names = typed.map(singleName)
  const context = await openContext(invocation, null)
  report(await endGrants(context, edit(names, options)), options, invocation)
}

function edit(names: readonly string[], { tenant, name }: Options) {
  return {
    names,
    ...(tenant !== undefined && { tenant }),
    ...(name !== undefined && { server: name }),
  }
}

function singleName(typed: string): string {
  const { name } = parseSiteName(typed)
  if (!name.startsWith('.')) return name
  throw new UserError(`a grant opens one name, not all below ${terminalLine(name, 100)}`, {
    hint: 'name one host, such as registry.example.com',
    exitCode: 2,
  })
}

function report(result: ServerGrantResult, options: Options, { log }: Invocation) {
  const { changes, state } = result
  if (options.json) console.log(terminalJson({ version: 1, changes, state }))
  else for (const change of changes) console.log(renderGrantChange(change, new Date()))
  if (state === 'silent') {
    const text = `the proxy did not confirm this in time: run ${calledAs()} serve logs proxy`
    log({ kind: 'warn', text })
  }
  if (state === 'down') {
    log({ kind: 'info', text: `the server is not running: ${calledAs()} serve up applies this` })
  }
}

/** Renders a change as one line, such as `+ registry.example.com (alice), until … (1 h)`. */
export function renderGrantChange(change: ServerGrantChange, now: Date): string {
  const { kind, name, tenant, until } = change
  const entry = terminalLine(`${name} (${tenant})`)
  const end = until ? `, ${renderEnd(until, now)}` : ''
  switch (kind) {
    case 'opened':
      return `+ ${entry}${end}`
    case 'prolonged':
    case 'shortened':
      return `~ ${entry}${end}`
    case 'kept':
      return `= ${entry} was already granted${end}`
    case 'closed':
      return `- ${entry}`
    case 'absent':
      return `= ${entry} was not granted`
    default:
      return kind satisfies never
  }
}
