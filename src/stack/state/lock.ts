import { until } from '../../base/async.ts'
import { UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { holdName } from '../../process/abstract-socket.ts'

const pollMilliseconds = 200

/**
 * Runs `body` while no other command of this user changes the same stack. Waits for a command that
 * already does. A cancelled command changes nothing.
 */
export async function withLock<T>(
  stack: string,
  options: { log: Log; signal?: AbortSignal; timeout?: number },
  body: () => Promise<T>,
): Promise<T> {
  const { log, signal, timeout = 600_000 } = options
  signal?.throwIfAborted()
  let release = await holdName(stack)
  if (!release) {
    log({ kind: 'info', text: `waiting for another command that is changing ${stack}` })
    release = await until(() => holdName(stack), { every: pollMilliseconds, timeout, signal })
  }
  if (!release) {
    throw new UserError(`another command has been changing ${stack} for ${timeout / 1000} s`, {
      hint: 'find it with: pgrep -af claude.ts; end it, then run this command again',
    })
  }
  try {
    return await body()
  } finally {
    release()
  }
}
