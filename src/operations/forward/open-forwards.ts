import { until } from '../../base/async.ts'
import { UserError } from '../../base/errors.ts'
import { endForward, type ForwardRecord, readForwards } from '../../stack/forward/record.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'

/** Returns the open forwards of a stack. */
export function openForwards(stack: string): Promise<ForwardRecord[]> {
  return readForwards(stateFolder(stack))
}

const closeWithin = 5_000

/**
 * Closes the forwards of these local ports, all without one, and waits until they are closed. Closes those of
 * the same command too.
 */
export async function closeForwards(
  stack: string,
  locals: readonly number[],
): Promise<ForwardRecord[]> {
  const open = await openForwards(stack)
  const missing = locals.find(local => !open.some(forward => forward.local === local))
  if (missing !== undefined) {
    const listed = open.map(({ local }) => local).join(', ')
    throw new UserError(`port ${missing} of this host is not forwarded to this folder's stack`, {
      hint: listed ? `open: ${listed}` : 'nothing is forwarded, so there is nothing to close',
    })
  }
  const wanted = open.filter(({ local }) => locals.length === 0 || locals.includes(local))
  const pids = new Set(wanted.map(({ pid }) => pid))
  const closing = open.filter(({ pid }) => pids.has(pid))
  await Promise.all(closing.map(endForward))
  const gone = async () => !(await openForwards(stack)).some(({ pid }) => pids.has(pid))
  if (!(await until(gone, { every: 50, timeout: closeWithin }))) {
    throw new UserError(`the process ${[...pids].join(', ')} did not close its port`, {
      hint: `end it with kill -9 ${[...pids].join(' ')}`,
    })
  }
  return closing
}
