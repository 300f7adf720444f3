import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'

const pollMilliseconds = 200

/**
 * Runs `body` while no other command of this user changes the same stack, and waits for the one that
 * does. The lock is an abstract Unix socket: the kernel gives it to one process, and frees it however
 * that process ends, so there is no stale lock to judge.
 */
export async function withLock<T>(
  stack: string,
  options: { log: Log; signal?: AbortSignal; timeout?: number },
  body: () => Promise<T>,
): Promise<T> {
  const { log, signal, timeout = 600_000 } = options
  const name = `\0claude-secure/${process.getuid?.() ?? 0}/${stack}`
  const deadline = Date.now() + timeout
  let lock = await tryLock(name)
  if (!lock) log({ kind: 'info', text: `waiting for another command that is changing ${stack}` })
  while (!lock) {
    if (Date.now() > deadline) {
      throw new UserError(`another command has been changing ${stack} for ${timeout / 1000} s`, {
        hint: 'find it with: pgrep -af claude.ts; end it, then run this command again',
      })
    }
    await sleep(pollMilliseconds, undefined, { signal })
    lock = await tryLock(name)
  }
  try {
    return await body()
  } finally {
    lock.close()
  }
}

function tryLock(name: string) {
  return new Promise<Server | null>((resolve, reject) => {
    const server = createServer(connection => connection.destroy())
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    )
    // The lock must not keep the process alive by itself.
    server.listen(name, () => resolve(server.unref()))
  })
}
