import { settleAtOnce } from '../../base/at-once.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { currentStackName } from '../../operations/current-stack.ts'
import { namedStack } from '../../operations/named-stack.ts'
import { hostFilesNotice } from '../../operations/notices/host-files.ts'
import { inspectStacks } from '../../stack/inspect.ts'
import {
  clearPlaceholders,
  readProtection,
  stacksWithPlaceholders,
} from '../../stack/protection.ts'
import { withLock } from '../../stack/state/lock.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { isLeft, leftStacks, stopStack } from '../../stack/stop.ts'
import type { Invocation } from '../invocation.ts'
import { renderMessage } from '../render/message.ts'

/** Compose waits most of the time: more of it at once than processors, and fewer than it takes to choke. */
const stoppedAtOnce = 6

/** Stops the stack of the current folder, the one that is named, or all of them. */
export async function stop(
  wanted: string | undefined,
  options: { all?: boolean },
  invocation: Invocation,
) {
  if (wanted !== undefined && options.all) {
    throw new UserError('stop takes the name of a stack or --all, not both', {
      hint: 'give one of them; ./claude.ts stop --help shows what it takes',
      exitCode: 2,
    })
  }
  const context = await openContext(invocation)
  const stacks = options.all ? await everyStack(context) : [await oneStack(context, wanted)]
  const results = await settleAtOnce(stacks, stoppedAtOnce, stack => stopOne(context, stack))
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [{ stack: stacks[index], reason: result.reason }] : [],
  )
  const [failure] = failures
  if (failure && stacks.length === 1) throw failure.reason
  const stopped = results.filter(result => result.status === 'fulfilled' && result.value).length
  if (failure) throw notAll(failures, `${stopped} of ${stacks.length}`, context.log)
  if (stopped > 1) context.log({ kind: 'info', text: `stopped ${stopped} stacks` })
  if (stopped > 0) return
  const others = options.all ? [] : await leftStacks(context.engine)
  const elsewhere = others.length > 0 ? `; ${others.length} run elsewhere (--all)` : ''
  context.log({ kind: 'info', text: `nothing runs here${elsewhere}` })
}

async function everyStack({ engine }: Context) {
  return [...new Set([...(await leftStacks(engine)), ...(await stacksWithPlaceholders())])]
}

async function oneStack({ engine }: Context, wanted: string | undefined) {
  if (wanted === undefined) return currentStackName()
  const [states, left] = await Promise.all([inspectStacks(engine), leftStacks(engine)])
  const candidates = left.map(async stack => ({
    stack,
    workspace:
      states.find(state => state.stack === stack)?.workspace ??
      (await readProtection(stateFolder(stack)))?.workspace ??
      null,
  }))
  const hint = './claude.ts list shows what runs'
  return (await namedStack(wanted, await Promise.all(candidates), hint)).stack
}

/** Each reason as it comes, and the sum of it last. */
function notAll(
  failures: readonly { stack: string | undefined; reason: unknown }[],
  stopped: string,
  log: Log,
) {
  for (const { reason } of failures) log({ kind: 'warn', text: messageOf(reason) })
  const names = failures.map(({ stack }) => stack).join(', ')
  return new UserError(`stopped ${stopped} stacks; these go on: ${names}`, {
    hint: 'the warnings above say why; ./claude.ts stop NAME tries one again',
    cause: failures[0]?.reason,
  })
}

/** Looks only once no other command is at work on it: a start under way has nothing to show yet. */
function stopOne({ engine, docker, log, signal }: Context, stack: string) {
  return withLock(stack, { log, signal }, async () => {
    if (!(await isLeft(engine, stack))) {
      // Its containers are gone by another hand, or by a crash; what was made for them may not be.
      await clearPlaceholders(stateFolder(stack))
      return false
    }
    await stopStack(docker, stack, { log, signal })
    for (const line of await hostFilesNotice({ stack }).catch(() => []))
      console.error(renderMessage(line, 2_000))
    return true
  })
}
