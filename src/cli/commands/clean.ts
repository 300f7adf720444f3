import { terminalLine } from '../../base/terminal-text.ts'
import { cleanStacks, purgeStacks } from '../../operations/clean.ts'
import { openContext } from '../../operations/context.ts'
import { forgetConversationsHere } from '../../operations/conversations/conversations.ts'
import type { CopyRemains, Remains } from '../../stack/remains.ts'
import type { Invocation } from '../invocation.ts'

/** Removes the conversations, copies, networks and state of stopped stacks. */
export async function clean(
  names: readonly string[],
  options: { force?: boolean; dryRun?: boolean },
  invocation: Invocation,
) {
  await cleanStacks(await openContext(invocation), names, {
    ...options,
    show(remains) {
      for (const line of renderRemains(remains)) console.log(line)
    },
  })
}

/** Renders the data that would be lost: a line for each stack, and below it a line for each item. */
export function renderRemains(remains: readonly Remains[]): string[] {
  return remains.flatMap(item => {
    const { stack } = item
    const lines = [
      ...(item.copy ? [renderCopy(item.copy)] : []),
      ...(item.homes > 0 ? [`conversations, and the agent's home${size(item)}`] : []),
      ...item.data.map(service => `data of the service ${service}`),
      ...(item.runs > 0 ? [`results of ${count(item.runs, 'run')}`] : []),
      ...(item.applies > 0
        ? [`backups for apply --undo, of ${count(item.applies, 'apply', 'applies')}`]
        : []),
    ]
    const { list, settings } = item.own
    const own = [...(list ? ['allowlist'] : []), ...(settings ? ['settings'] : [])]
    if (own.length > 0) lines.push(`the folder's own ${own.join(' and ')}`)
    const rest = lines.length > 0 ? lines : ['settings of its last start']
    const folder = stack.workspace === null ? stack.stack : stack.workspace
    return [`${stack.id}  ${terminalLine(folder, 200)}`, ...rest.map(line => `  ${line}`)]
  })
}

function renderCopy(copy: CopyRemains): string {
  switch (copy.kind) {
    case 'applied':
      return 'the copy of the folder, without unapplied changes'
    case 'unapplied': {
      const parts = [
        ...(copy.changes > 0 ? [count(copy.changes, 'unapplied change')] : []),
        ...(copy.git ? ['commits or branches'] : []),
      ]
      return `the copy of the folder, with ${parts.join(' and ')}`
    }
    case 'unknown':
      return `the copy of the folder, which could not be inspected: ${terminalLine(copy.reason, 200)}`
    default:
      return copy satisfies never
  }
}

function size({ stack: { bytes } }: Remains) {
  return bytes === null ? '' : ` (${(bytes / 1e6).toFixed(1)} MB in all volumes)`
}

function count(number: number, one: string, many = `${one}s`) {
  return `${number} ${number === 1 ? one : many}`
}

export type ClearSessionOptions = { interactive?: boolean; runs?: boolean; force?: boolean }

/** Deletes the conversations of the current folder; keeps login and settings. */
export async function clearSession(options: ClearSessionOptions, invocation: Invocation) {
  const { interactive = false, runs = false, force = false } = options
  const both = interactive === runs
  await forgetConversationsHere(await openContext(invocation), {
    of: [
      ...(both || interactive ? (['sessions'] as const) : []),
      ...(both || runs ? (['runs'] as const) : []),
    ],
    force,
  })
}

/** Stops all stacks and removes what they left; asks before it does. */
export async function purge(
  options: { yes?: boolean; force?: boolean; dryRun?: boolean },
  invocation: Invocation,
) {
  await purgeStacks(await openContext(invocation), {
    ...options,
    show(remains) {
      for (const line of renderRemains(remains)) console.log(line)
    },
  })
}
