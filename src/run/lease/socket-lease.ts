import { createHash } from 'node:crypto'
import { until } from '../../base/until.ts'
import { holdName, textOfHolder } from '../../process/abstract-socket.ts'
import { workspaceBusy } from '../refusal.ts'
import { RunId } from '../request.ts'
import type { WorkspaceLease } from './lease.ts'

const pollMilliseconds = 200

/**
 * The lease among all processes of one user on one host, for the workspaces of one stack. The kernel
 * frees it however its holder ends; a process that connects gets the holder's run.
 */
export function createSocketLease(stack: string): WorkspaceLease {
  return {
    async acquire(workspace, runId, { wait, signal }) {
      const hash = createHash('sha256').update(`${stack}\0${workspace}`).digest('hex').slice(0, 32)
      const name = `run/lease/${hash}`
      const free = await until(() => holdName(name, runId), {
        every: pollMilliseconds,
        timeout: wait ? undefined : 0,
        signal,
      })
      if (free) return free
      throw workspaceBusy(await holder(name))
    },
  }
}

/** Any process of this user may listen there, so its answer counts only if it is a run id. */
async function holder(name: string): Promise<string | null> {
  const id = RunId.safeParse(await textOfHolder(name))
  return id.success ? id.data : null
}
