import { createDeferred } from '../base/deferred.ts'
import { UserError } from '../base/errors.ts'
import type { RunnerEvent, RunnerRequest } from '../run/runner-protocol.ts'
import type { StopReason } from './turn/turn.ts'
import { findWorkspace, type Places, type Workspace } from './workspace.ts'

type Refused = Extract<RunnerEvent, { kind: 'refused' }>

/** A run that has its workspace. */
export type Lease = {
  workspace: Workspace
  /** Settles when the run is to end early. */
  stopped: Promise<StopReason>
  stop: (reason: StopReason) => void
  /** Nothing of the run is left: the workspace is free. */
  release: () => void
}

type Active = Lease & { runId: string; startedAt: string; released: Promise<void> }

export type AdmissionOptions = {
  places: Places
  /** Most runs at once. */
  runs: number
  canResume: (workspace: Workspace, sessionId: string) => boolean
}

/** At most one run in a workspace, and so many in all. */
export function createAdmission({ places, runs, canResume }: AdmissionOptions) {
  const active = new Map<string, Active>()
  let isClosed = false

  return {
    /** Gives the run the lease of its workspace, or says why not. */
    async admit({ runId, workspace: asked, request }: RunnerRequest): Promise<Lease | Refused> {
      let workspace: Workspace
      try {
        workspace = await findWorkspace(asked, places)
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        return refused('workspace', error.message)
      }
      if (isClosed) return refused('stopping', 'the worker is stopping')
      const holder = active.get(workspace.path)
      if (holder) return refused('busy', `workspace busy: run ${holder.runId} is under way`)
      if (active.size >= runs) return refused('capacity', `${runs} runs are under way already`)
      const { session } = request
      if (session.kind === 'resume' && !canResume(workspace, session.id)) {
        return refused('no-session', `no session ${session.id} in ${workspace.path}`)
      }
      const stop = createDeferred<StopReason>()
      const released = createDeferred<void>()
      const lease: Active = {
        runId,
        workspace,
        startedAt: new Date().toISOString(),
        stopped: stop.promise,
        stop: stop.resolve,
        released: released.promise,
        release() {
          active.delete(workspace.path)
          released.resolve()
        },
      }
      active.set(workspace.path, lease)
      return lease
    },

    isQuiet: () => active.size === 0,

    list: () =>
      [...active.values()].map(({ runId, workspace, startedAt }) => ({
        runId,
        workspace: workspace.path,
        startedAt,
      })),

    /** When it returns nothing of the run is left. False where there is no such run. */
    async cancel(runId: string): Promise<boolean> {
      const found = [...active.values()].find(run => run.runId === runId)
      if (!found) return false
      found.stop('cancelled')
      await found.released
      return true
    },

    /** Ends all runs, and admits no more. */
    async close() {
      isClosed = true
      for (const run of active.values()) run.stop('cancelled')
      await Promise.all([...active.values()].map(({ released }) => released))
    },
  }
}
export type Admission = ReturnType<typeof createAdmission>

function refused(reason: Refused['reason'], message: string): Refused {
  return { kind: 'refused', reason, message }
}
