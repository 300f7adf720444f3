import { terminalLine } from '../../base/terminal-text.ts'
import { openContext } from '../../operations/context.ts'
import type { UninstallPlan } from '../../operations/uninstall/plan.ts'
import { type Kept, uninstall as remove } from '../../operations/uninstall/uninstall.ts'
import { hasUnappliedWork } from '../../stack/remains.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderRemains } from './clean.ts'

/** Removes all that claude-secure made on this machine, except the checkout itself. */
export async function uninstall(
  options: { yes?: boolean; dryRun?: boolean; force?: boolean },
  invocation: Invocation,
): Promise<void> {
  const context = await openContext(invocation, null)
  const kept = await remove(context, {
    ...options,
    show(plan) {
      for (const line of renderPlan(plan, options)) console.log(line)
    },
  })
  if (kept) for (const text of renderKept(kept, context.root)) console.error(text)
  else console.error('nothing was removed')
}

/** Renders what an uninstall removes, and what it keeps. */
export function renderPlan(plan: UninstallPlan, { force = false } = {}): string[] {
  const { stacks, others, images, folders, withdrawn, left } = plan
  const kept = force ? [] : stacks.filter(hasUnappliedWork)
  const removed = stacks.filter(remains => !kept.includes(remains))
  const running = removed.filter(({ stack }) => stack.state !== 'stopped').length
  const stopped = running > 0 ? `; ${running} running, to be stopped first` : ''
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [title, ...lines.map(line => `  ${line}`)]
  const paths = (all: readonly string[]) => all.map(path => terminalLine(path, 300))
  return [
    ...section(`stacks, with their volumes${stopped}:`, renderRemains(removed)),
    ...section(
      kept.length > 0 ? 'kept, because a copy is kept, images:' : 'images of this checkout:',
      images,
    ),
    ...section('folders with state, usage and downloads:', paths(folders)),
    ...section('kept, because the changes in the copy are not applied:', renderRemains(kept)),
    ...section(
      force ? 'files moved out of a workspace:' : 'kept, files moved out of a workspace:',
      paths(withdrawn),
    ),
    ...section(
      'not touched, stacks of other users:',
      others.map(({ id, workspace, stack }) => `${id}  ${terminalLine(workspace ?? stack, 200)}`),
    ),
    ...section('not touched, yours to delete:', paths(left)),
  ]
}

function renderKept({ stacks, folders }: Kept, root: string): string[] {
  const again = `run ${calledAs()} uninstall again`
  return [
    ...(stacks.length > 0
      ? [
          `kept ${stacks.join(', ')}: in the folder, run ${calledAs()} apply, or add --force to lose the changes; then ${again}`,
        ]
      : []),
    ...(stacks.length === 0 && folders.length > 0
      ? [`kept ${folders.map(path => terminalLine(path, 300)).join(', ')}`]
      : []),
    `claude-secure is removed, except ${terminalLine(root, 300)}, whose .env holds your credential: delete that folder to finish`,
  ]
}
