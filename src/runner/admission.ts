import { existsSync, readdirSync } from 'node:fs'
import { createDeferred } from '../base/async.ts'
import { messageOf, systemCode, UserError } from '../base/errors.ts'
import type { ToolResult } from '../run/client-tools.ts'
import type { Answers } from '../run/question.ts'
import type { RunnerEvent, RunnerRequest } from '../run/runner-protocol.ts'
import { openOwn } from './claude/repair.ts'
import type { Answer, Deliver, StopReason } from './turn/turn.ts'
import { findWorkspace, type Places, type Workspace } from './workspace.ts'

type Refused = Extract<RunnerEvent, { kind: 'refused' }>

/** The right of a run to its workspace. */
export type AdmittedRun = {
  workspace: Workspace
  /** Settles when the run has to end early. */
  stopped: Promise<StopReason>
  stop: (reason: StopReason) => void
  /** Takes the functions that answer this run's questions and calls. */
  onAnswerable: (answer: Answer, deliver: Deliver) => void
  /** Frees the workspace: nothing of the run is left. */
  release: () => void
}

type Active = AdmittedRun & {
  runId: string
  startedAt: string
  released: Promise<void>
  answer: Answer
  deliver: Deliver
}

export type AdmissionOptions = {
  places: Places
  /** Maximum runs at once. */
  runs: number
  /** Whether runs of several workspaces are kept apart. Otherwise the worker serves only one workspace. */
  keepsApart: boolean
  /** Makes the folders of a workspace usable, which an earlier run may have closed or replaced. */
  repair: (workspace: Workspace) => void
  canResume: (workspace: Workspace, sessionId: string) => boolean
}

/** Admits at most one run in a workspace, and a maximum in all. */
export function createAdmission({ places, runs, keepsApart, repair, canResume }: AdmissionOptions) {
  const active = new Map<string, Active>()
  let isClosed = false
  let served: Workspace | null = null

  return {
    /** Returns the admitted run, or the reason for a refusal. */
    async admit({
      runId,
      workspace: asked,
      request,
    }: RunnerRequest): Promise<AdmittedRun | Refused> {
      let workspace: Workspace
      try {
        workspace = await findWorkspace(asked, places)
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        return refused('workspace', error.message)
      }
      if (isClosed) return refused('stopping', 'the worker is stopping')
      const other = keepsApart ? null : otherWorkspace(workspace, places, served)
      if (other !== null) {
        return refused(
          'confinement',
          `this worker serves only the workspace ${other}: the kernel has no Landlock to keep runs apart`,
        )
      }
      const holder = active.get(workspace.path)
      if (holder) return refused('busy', `workspace busy: run ${holder.runId} is under way`)
      if (active.size >= runs) return refused('capacity', `${runs} runs are already under way`)
      try {
        repair(workspace)
      } catch (error) {
        if (isExhausted(error)) throw error
        return refused(
          'workspace',
          `cannot repair the home of ${workspace.path}: ${messageOf(error)}`,
        )
      }
      const { session } = request
      if (session.kind === 'resume' && !canResume(workspace, session.id)) {
        return refused('no-session', `no session ${session.id} in ${workspace.path}`)
      }
      const stop = createDeferred<StopReason>()
      const released = createDeferred<void>()
      const admitted: Active = {
        runId,
        workspace,
        startedAt: new Date().toISOString(),
        stopped: stop.promise,
        stop: stop.resolve,
        released: released.promise,
        answer: () => false,
        deliver: () => false,
        onAnswerable(answer, deliver) {
          admitted.answer = answer
          admitted.deliver = deliver
        },
        release() {
          active.delete(workspace.path)
          released.resolve()
        },
      }
      active.set(workspace.path, admitted)
      served ??= workspace
      return admitted
    },

    isQuiet: () => active.size === 0,

    list: () =>
      [...active.values()].map(({ runId, workspace, startedAt }) => ({
        runId,
        workspace: workspace.path,
        startedAt,
      })),

    /** Answers a run's open question. Returns false when there is no such run or question. */
    answer(runId: string, id: string, answers: Answers | null): boolean {
      const found = [...active.values()].find(run => run.runId === runId)
      return found?.answer(id, answers) ?? false
    },

    /** Gives a run the result of a call of its client's tools. Returns false when there is no such run. */
    deliver(runId: string, result: ToolResult): boolean {
      const found = [...active.values()].find(run => run.runId === runId)
      return found?.deliver(result) ?? false
    },

    /** Returns when nothing of the run is left; false when there is no such run. */
    async cancel(runId: string): Promise<boolean> {
      const found = [...active.values()].find(run => run.runId === runId)
      if (!found) return false
      found.stop('cancelled')
      await found.released
      return true
    },

    /** Ends all runs and admits no more. */
    async close() {
      isClosed = true
      for (const run of active.values()) run.stop('cancelled')
      await Promise.all([...active.values()].map(({ released }) => released))
    },
  }
}
export type Admission = ReturnType<typeof createAdmission>

/** Returns whether the runner has no file descriptors left: then it can start, cancel and end no run. */
export function isExhausted(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCode(error) ?? '')
}

function refused(reason: Refused['reason'], message: string): Refused {
  return { kind: 'refused', reason, message }
}

/**
 * Returns the other workspace that this worker has served, or null: its files and its home would be open to
 * the run. Homes outlive the worker, so a restart does not hide it.
 */
function otherWorkspace(
  { key }: Workspace,
  { homes }: Places,
  served: Workspace | null,
): string | null {
  if (served !== null) return served.key === key ? null : served.path
  if (!existsSync(homes)) return null
  openOwn(homes)
  const other = readdirSync(homes, { withFileTypes: true }).find(
    entry => entry.isDirectory() && entry.name !== key,
  )
  return other?.name ?? null
}
