import { UserError } from '../../base/errors.ts'
import { openContext } from '../../operations/context.ts'
import { stopStacks } from '../../operations/stop.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'

/** Stops the stack of the current folder, the named one, or all of them. Asks before it ends runs. */
export async function stop(
  name: string | undefined,
  options: { all?: boolean; force?: boolean },
  invocation: Invocation,
) {
  if (name !== undefined && options.all) {
    throw new UserError('stop takes the name of a stack or --all, not both', {
      hint: `run ${calledAs()} stop --help for its arguments`,
      exitCode: 2,
    })
  }
  const context = await openContext(invocation)
  const { force = false } = options
  const done = await stopStacks(context, { ...(options.all ? { all: true } : { name }), force })
  if (!done) return context.log({ kind: 'info', text: 'nothing was stopped' })
  const { stopped, elsewhere } = done
  if (stopped > 1) context.log({ kind: 'info', text: `stopped ${stopped} stacks` })
  if (stopped > 0) return
  const others = elsewhere > 0 ? `; other folders: ${elsewhere} (--all stops them)` : ''
  context.log({ kind: 'info', text: `nothing is running here${others}` })
}
