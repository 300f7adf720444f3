import { until } from '../../base/async.ts'
import { UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { cacheRoot, stateRoot } from '../../config/paths.ts'
import { holdName, lockFolder, readHolder } from '../../process/name-lock.ts'

const pollMilliseconds = 200

/**
 * Runs `body` while no other command of this user changes the same stack. Waits for a command that
 * already does, and names it. A cancelled command changes nothing.
 */
export async function withLock<T>(
  stack: string,
  options: { log: Log; signal?: AbortSignal; timeout?: number },
  body: () => Promise<T>,
): Promise<T> {
  const { log, signal, timeout = 600_000 } = options
  signal?.throwIfAborted()
  // Stacks are of a state folder; images and lists are shared by all that use the same cache.
  const folder = lockFolder(stack.startsWith('claude-secure-') ? stateRoot() : cacheRoot())
  const take = () => holdName(folder, stack, ownName())
  let release = await take()
  if (!release) {
    const holder = describeHolder(await readHolder(folder, stack))
    log({ kind: 'info', text: `waiting for ${holder.name} that is changing ${stack}` })
    release = await until(take, { every: pollMilliseconds, timeout, signal })
  }
  if (!release) {
    const { name, end } = describeHolder(await readHolder(folder, stack))
    throw new UserError(`${name} has been changing ${stack} for ${timeout / 1000} s`, {
      hint: `${end}, then run this command again`,
    })
  }
  try {
    return await body()
  } finally {
    release()
  }
}

/** Names this process to those that wait: its id, and the command without its arguments, which may be a prompt. */
function ownName() {
  const [, , name = ''] = process.argv
  return `${process.pid} ${/^[a-z][a-z-]{0,30}$/.test(name) ? name : ''}`
}

/** Parses what a holder says of itself. */
export function describeHolder(text: string | null): { name: string; end: string } {
  const [, pid, command] = /^(\d{1,10}) ([a-z-]*)$/.exec(text ?? '') ?? []
  if (pid === undefined) {
    return {
      name: 'another command',
      end: 'find it with pgrep -af claude.ts and end it',
    }
  }
  const called = command ? `claude.ts ${terminalLine(command, 40)}` : 'claude.ts'
  return { name: `another command, process ${pid} (${called}),`, end: `end it with kill ${pid}` }
}
