import { createDeferred } from '../base/async.ts'
import { workspaceBusy } from './failure.ts'
import type { WorkspaceLease } from './lease.ts'

/** A run's place in the queue of a workspace. */
type Waiting = { runId: string; next: () => void }

/** Creates a lease among the runs of one process. Runs that wait get the workspace in the order in which they asked. */
export function createMemoryLease(): WorkspaceLease {
  const held = new Map<string, { runId: string; queue: Waiting[] }>()

  const releaseOnce = (workspace: string) => {
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const lease = held.get(workspace)
      const waiting = lease?.queue.shift()
      if (!lease || !waiting) {
        held.delete(workspace)
        return
      }
      lease.runId = waiting.runId
      waiting.next()
    }
  }

  return {
    async acquire(workspace, runId, { wait, signal }) {
      signal.throwIfAborted()
      const lease = held.get(workspace)
      if (!lease) {
        held.set(workspace, { runId, queue: [] })
        return releaseOnce(workspace)
      }
      if (!wait) throw workspaceBusy(lease.runId)
      const turn = createDeferred<'next' | 'aborted'>()
      const waiting = { runId, next: () => turn.resolve('next') }
      const leave = () => turn.resolve('aborted')
      lease.queue.push(waiting)
      signal.addEventListener('abort', leave, { once: true })
      const outcome = await turn.promise
      signal.removeEventListener('abort', leave)
      if (outcome === 'next') return releaseOnce(workspace)
      lease.queue = lease.queue.filter(other => other !== waiting)
      throw signal.reason
    },
  }
}
