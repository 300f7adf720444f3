import { inspectStacks } from '../../stack/inspect.ts'
import { withLock } from '../../stack/lock.ts'
import { stopStack } from '../../stack/stop.ts'
import { openContext } from '../context.ts'
import { currentStackName } from '../current-stack.ts'
import type { Invocation } from '../program.ts'

/** Stops the stack of the current folder, or all of them. */
export async function stop(options: { all?: boolean }, invocation: Invocation) {
  const { engine, docker, log, signal } = await openContext(invocation)
  const stacks = await inspectStacks(engine)
  const current = options.all ? null : await currentStackName()
  const wanted = stacks.filter(({ stack }) => options.all || stack === current)
  if (wanted.length === 0) {
    const others =
      stacks.length > 0 && !options.all ? `; ${stacks.length} run elsewhere (--all)` : ''
    log({ kind: 'info', text: `nothing runs here${others}` })
    return
  }
  for (const { stack } of wanted) {
    await withLock(stack, { log, signal }, () => stopStack(docker, stack, { log, signal }))
  }
}
