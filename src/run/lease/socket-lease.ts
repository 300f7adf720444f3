import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { workspaceBusy } from '../refusal.ts'
import { RunId } from '../request.ts'
import { listenAlone, textFrom } from './abstract-socket.ts'
import type { RunLease } from './lease.ts'

const pollMilliseconds = 200

/**
 * The lease among all processes of one user on one host, for the workspaces of one stack. The kernel
 * frees it however its holder ends; who connects is told the holder's run.
 */
export function createSocketLease(stack: string): RunLease {
  return {
    async acquire(workspace, runId, { wait, signal }) {
      const hash = createHash('sha256').update(`${stack}\0${workspace}`).digest('hex').slice(0, 32)
      const name = `lease/${hash}`
      for (;;) {
        signal.throwIfAborted()
        const free = await listenAlone(name, runId)
        if (free) return free
        if (!wait) throw workspaceBusy(await holder(name))
        await sleep(pollMilliseconds, undefined, { signal })
      }
    },
  }
}

/** Anybody may listen there: what he says is an id or nothing. */
async function holder(name: string): Promise<string | null> {
  const id = RunId.safeParse(await textFrom(name))
  return id.success ? id.data : null
}
