import { settleAtOnce } from '../../base/at-once.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import { step } from '../../base/log.ts'
import { anyImage } from '../../operations/any-image.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { namedStack } from '../../operations/named-stack.ts'
import { forgetStack } from '../../operations/remembered-stack/memory.ts'
import { listed } from '../../stack/find-stack.ts'
import { allStacks, type MachineStack } from '../../stack/machine.ts'
import { holdsWork, lookAtRemains, type Remains } from '../../stack/remains.ts'
import { removeRemains } from '../../stack/remove-remains.ts'
import { withLock } from '../../stack/state/lock.ts'
import { ask } from '../ask.ts'
import type { Invocation } from '../invocation.ts'
import { renderRemains } from '../render/remains.ts'

export type CleanOptions = { force?: boolean; dryRun?: boolean }

/** A container is made for each copy that is looked at. */
const atOnce = 4

/** Removes what stopped stacks left: conversations, copies, networks, state. */
export async function clean(
  wanted: readonly string[],
  options: CleanOptions,
  invocation: Invocation,
) {
  const context = await openContext(invocation)
  const { log } = context
  const stopped = await chosen(context, wanted)
  if (stopped.length === 0) {
    log({ kind: 'info', text: 'no stopped stack left anything' })
    return
  }
  const remains = await look(context, stopped)
  for (const line of renderRemains(remains)) console.log(line)
  const kept = options.force ? [] : remains.filter(holdsWork)
  for (const { stack } of kept) {
    log({ kind: 'warn', text: `${stack.id} is left alone: its copy has what is nowhere else` })
  }
  const removed = remains.filter(item => !kept.includes(item))
  if (options.dryRun) return
  if (removed.length === 0) {
    throw new UserError(`nothing was removed: ${listed(kept.map(({ stack }) => stack))}`, {
      hint: './claude.ts start and apply there bring changes back; clean -f ID removes it all the same',
    })
  }
  const question = `remove all this of ${removed.length} ${removed.length === 1 ? 'stack' : 'stacks'} for good?`
  if (!options.force && !(await ask(question, '-f'))) {
    log({ kind: 'info', text: 'nothing was removed' })
    return
  }
  await removeAll(context, removed)
}

/** Those that are named, or all that are stopped and whose state is this user's. */
async function chosen({ engine, log }: Context, wanted: readonly string[]) {
  const all = await allStacks(engine)
  if (wanted.length === 0) {
    const stopped = all.filter(({ state }) => state === 'stopped')
    const others = stopped.filter(({ ours }) => !ours)
    if (others.length > 0) {
      const text = `not looked at, because nothing here remembers them: ${listed(others)}; clean ID does`
      log({ kind: 'info', text })
    }
    return stopped.filter(({ ours }) => ours)
  }
  const found = new Set<MachineStack>()
  for (const name of wanted) {
    const stack = await namedStack(name, all)
    if (stack.state !== 'stopped') {
      throw new UserError(`${stack.id} ${stack.workspace ?? stack.stack} is not stopped`, {
        hint: `./claude.ts stop ${stack.id} first; nothing was removed`,
      })
    }
    found.add(stack)
  }
  return [...found]
}

async function look(context: Context, stopped: readonly MachineStack[]): Promise<Remains[]> {
  let image: Promise<string> | undefined
  const anyOfThem = () => {
    image ??= anyImage(context.engine, 'claude')
    return image
  }
  const looked = await settleAtOnce(stopped, atOnce, stack =>
    lookAtRemains(context, stack, anyOfThem),
  )
  return looked.map(result => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function removeAll(context: Context, removed: readonly Remains[]) {
  const { log, signal } = context
  const results = await settleAtOnce(removed, atOnce, ({ stack }) =>
    withLock(stack.stack, { log, signal }, () =>
      step(log, `removing ${stack.stack}`, async () => {
        if (stack.workspace) {
          forgetStack(stack.workspace, 'claude')
          forgetStack(stack.workspace, 'worker')
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
  throw new UserError(`${done}; the warnings above say why`, {
    hint: './claude.ts clean tries again what is left',
    cause: failure,
  })
}
