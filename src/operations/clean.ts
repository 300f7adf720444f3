import { settleConcurrently } from '../base/async.ts'
import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { step } from '../base/log.ts'
import { listed } from '../stack/inspect.ts'
import { hasUnappliedWork, type Remains, readRemains, removeRemains } from '../stack/remains.ts'
import { agentServices } from '../stack/services.ts'
import { allStacks, type ListedStack } from '../stack/stack-list.ts'
import { withLock } from '../stack/state/lock.ts'
import type { Context } from './context.ts'
import { namedStack } from './find-stacks.ts'
import { newestImage } from './images.ts'
import { forgetStack } from './remembered-stack/memory.ts'
import { stopStacks } from './stop.ts'

export type CleanOptions = {
  force?: boolean
  /** Removes without confirmation, but not copies with unapplied changes. */
  yes?: boolean
  dryRun?: boolean
  /** Shows the data that would be lost, before confirmation. */
  show: (remains: readonly Remains[]) => void
}

/** Maximum concurrent inspections: each copy needs a container. */
const atOnce = 4

/** Removes the conversations, copies, networks and state of stopped stacks. */
export async function cleanStacks(
  context: Context,
  names: readonly string[],
  { force = false, yes = false, dryRun = false, show }: CleanOptions,
): Promise<void> {
  const { log, confirm } = context
  const stopped = await stoppedStacks(context, names)
  if (stopped.length === 0) {
    log({ kind: 'info', text: 'no stopped stack has data to remove' })
    return
  }
  const remains = await inspectRemains(context, stopped)
  show(remains)
  const kept = force ? [] : remains.filter(hasUnappliedWork)
  for (const { stack } of kept) {
    log({ kind: 'warn', text: `kept ${stack.id}: its copy has unapplied changes` })
  }
  const removed = remains.filter(item => !kept.includes(item))
  if (dryRun) return
  if (removed.length === 0) {
    throw new UserError(`nothing was removed: ${listed(kept.map(({ stack }) => stack))}`, {
      hint: `run ${command('start')} and ${command('apply')} there to get the changes, or ${command('clean -f ID')} to discard them`,
    })
  }
  const stacks = removed.length === 1 ? 'stack' : 'stacks'
  if (
    !(force || yes) &&
    !(await confirm(`Permanently remove this data of ${removed.length} ${stacks}?`, '-f'))
  ) {
    log({ kind: 'info', text: 'nothing was removed' })
    return
  }
  await removeAll(context, removed)
}

/** Returns the named stacks, or every stopped stack whose state belongs to this user. */
async function stoppedStacks({ engine, log }: Context, names: readonly string[]) {
  const all = await allStacks(engine)
  if (names.length === 0) {
    const stopped = all.filter(({ state }) => state === 'stopped')
    const others = stopped.filter(({ ours }) => !ours)
    if (others.length > 0) {
      const text = `skipped stacks without a record in your state folder: ${listed(others)}; run ${command('clean ID')} to remove one`
      log({ kind: 'info', text })
    }
    return stopped.filter(({ ours }) => ours)
  }
  const found = new Set<ListedStack>()
  for (const name of names) {
    const stack = await namedStack(name, all)
    if (stack.state !== 'stopped') {
      throw new UserError(`${stack.id} ${stack.workspace ?? stack.stack} is not stopped`, {
        hint: `run ${command(`stop ${stack.id}`)} first; nothing was removed`,
      })
    }
    found.add(stack)
  }
  return [...found]
}

async function inspectRemains(
  context: Context,
  stopped: readonly ListedStack[],
): Promise<Remains[]> {
  let image: Promise<string> | undefined
  const anyImage = () => {
    image ??= newestImage(context.engine, 'claude')
    return image
  }
  const looked = await settleConcurrently(stopped, atOnce, stack =>
    readRemains(context, stack, anyImage),
  )
  return looked.map(result => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function removeAll(context: Context, removed: readonly Remains[]) {
  const { log, signal } = context
  const results = await settleConcurrently(removed, atOnce, ({ stack }) =>
    withLock(stack.stack, { log, signal }, () =>
      step(log, `removing ${stack.stack}`, async () => {
        if (stack.workspace) {
          for (const service of agentServices) forgetStack(stack.workspace, service)
        }
        await removeRemains(context, stack.stack, { log: () => {}, signal })
      }),
    ),
  )
  const failures = results.flatMap(result => (result.status === 'rejected' ? [result.reason] : []))
  const [failure] = failures
  const done = `removed ${removed.length - failures.length} of ${removed.length}`
  if (failure === undefined) {
    log({ kind: 'info', text: `${done}: ${listed(removed.map(({ stack }) => stack))}` })
    return
  }
  if (removed.length === 1) throw failure
  for (const reason of failures) log({ kind: 'warn', text: messageOf(reason) })
  throw new UserError(`${done}; see the warnings above`, {
    hint: `run ${command('clean')} again to retry`,
    cause: failure,
  })
}

/**
 * Stops this user's stacks of all folders and removes what they left. One confirmation covers both; without
 * `force`, copies with unapplied changes stay.
 */
export async function purgeStacks(context: Context, options: CleanOptions): Promise<void> {
  const { engine, log, confirm } = context
  const all = await allStacks(engine)
  // `clean` skips the stacks of other users too.
  const up = all.filter(({ state, ours }) => state !== 'stopped' && ours)
  if (options.dryRun && up.length > 0) {
    log({ kind: 'info', text: `would stop and then remove: ${listed(up)}` })
    return cleanStacks(context, [], options)
  }
  const agreed = options.yes || options.force
  if (up.length > 0 && !agreed && !(await confirm(`Stop ${listed(up)}?`, '--yes'))) {
    log({ kind: 'info', text: 'nothing was stopped or removed' })
    return
  }
  for (const { stack } of up) await stopStacks(context, { name: stack, force: agreed === true })
  await cleanStacks(context, [], options)
}
