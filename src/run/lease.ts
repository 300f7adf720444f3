import { createHash } from 'node:crypto'
import { until } from '../base/async.ts'
import { holdName, readHolder } from '../process/name-lock.ts'
import { workspaceBusy } from './failure.ts'
import { RunId } from './ids.ts'

/**
 * Holds a workspace for one run at a time. Can be implemented by a database table or a queue as well as
 * by the sockets of one host.
 */
export type WorkspaceLease = {
  /**
   * Resolves with the release function once this run holds the workspace. Throws a `RunRefusal` (busy)
   * when another run holds it, unless `wait` is given.
   */
  acquire: (
    workspace: string,
    runId: string,
    options: { wait: boolean; signal: AbortSignal },
  ) => Promise<() => void>
}

const pollMilliseconds = 200

/**
 * Creates a lease among all processes of one user on one host, for the workspaces of one stack, in a folder for
 * locks. The kernel frees it however its holder exits; a process that connects gets the holder's run id.
 */
export function createSocketLease(stack: string, folder: string): WorkspaceLease {
  return {
    async acquire(workspace, runId, { wait, signal }) {
      const hash = createHash('sha256').update(`${stack}\0${workspace}`).digest('hex').slice(0, 32)
      const name = `run/lease/${hash}`
      const free = await until(() => holdName(folder, name, runId), {
        every: pollMilliseconds,
        timeout: wait ? undefined : 0,
        signal,
      })
      if (free) return free
      throw workspaceBusy(await holder(folder, name))
    },
  }
}

/** Returns the holder's run id. Any process of this user can listen there, so other answers are ignored. */
async function holder(folder: string, name: string): Promise<string | null> {
  const id = RunId.safeParse(await readHolder(folder, name))
  return id.success ? id.data : null
}
