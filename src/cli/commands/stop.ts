import { withLock } from '../../stack/lock.ts'
import { clearPlaceholders, stacksWithPlaceholders } from '../../stack/protection.ts'
import { stateFolder } from '../../stack/state-folder.ts'
import { leftStacks, stopStack } from '../../stack/stop.ts'
import { type Context, openContext } from '../context.ts'
import { currentStackName } from '../current-stack.ts'
import { hostFilesNotice } from '../host-files-notice.ts'
import type { Invocation } from '../program.ts'

/** Stops the stack of the current folder, or all of them. */
export async function stop(options: { all?: boolean }, invocation: Invocation) {
  const context = await openContext(invocation)
  const wanted = options.all
    ? [...new Set([...(await leftStacks(context.engine)), ...(await stacksWithPlaceholders())])]
    : [await currentStackName()]
  let stopped = 0
  for (const stack of wanted) if (await stopOne(context, stack)) stopped += 1
  if (stopped > 0) return
  const others = options.all ? [] : await leftStacks(context.engine)
  const elsewhere = others.length > 0 ? `; ${others.length} run elsewhere (--all)` : ''
  context.log({ kind: 'info', text: `nothing runs here${elsewhere}` })
}

/** Looks only once no other command is at work on it: a start under way has nothing to show yet. */
function stopOne({ engine, docker, log, signal }: Context, stack: string) {
  return withLock(stack, { log, signal }, async () => {
    if (!(await leftStacks(engine)).includes(stack)) {
      // Its containers are gone by another hand, or by a crash; what was made for them may not be.
      await clearPlaceholders(stateFolder(stack))
      return false
    }
    await stopStack(docker, stack, { log, signal })
    for (const line of await hostFilesNotice({ stack }).catch(() => [])) console.error(line)
    return true
  })
}
