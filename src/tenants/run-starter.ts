import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { isWithin } from '../files/beneath.ts'
import type { Run, RunEngine } from '../run/engine.ts'
import type { RunRequest } from '../run/request.ts'
import type { RunResult } from '../run/result.ts'
import type { RunSummary } from '../run/store/store.ts'
import type { RunOptions } from '../run/watch.ts'
import { createByteBudget, holderOf } from './byte-budget.ts'
import { HttpError } from './http-error.ts'
import { httpErrorOf, rethrow, stopping, tooManyBytes, tooManyRuns } from './refusals.ts'
import { createRunBudgets, type SpentToday } from './run-budget.ts'
import { readEvents, type TakeEvent } from './run-events.ts'
import { createRunPlaces, type Waiting } from './run-places.ts'
import type { ServerLog } from './server-log.ts'
import type { Caller } from './tokens.ts'

/** The runs of all tenants, each behind an engine of its own. */
export type ServerRuns = { of: (tenant: string) => RunEngine; spentToday: SpentToday }

export type RunStart = Pick<RunOptions, 'onConnected'> & {
  caller: Caller
  request: Partial<RunRequest> & Pick<RunRequest, 'prompt'>
  /** Absolute path in the worker. */
  workspace: string
  surface: string
  /** Cancels the run. */
  signal?: AbortSignal
  wait?: boolean
  asks?: boolean
  questionSeconds?: number
  idempotencyKey?: string
  /** Tells this request from another one with the same key; by default the request itself. */
  requestDigest?: string
  /** Lets the run wait for a place among those of its tenant; without it, it is refused when there is none. */
  queue?: Queue
  /** Id of the run, which no other has; a new one when left out. An idempotency key has its own. */
  runId?: string
  /** Takes each event of a run that this call starts. */
  onEvent?: TakeEvent
}

/** How a run waits for its turn. `onWait` gets the id that the run will have. */
export type Queue = Pick<Waiting, 'signal'> & { onWait?: (runId: string) => void }

export type StartedRun = Pick<Run, 'id' | 'result' | 'acknowledge' | 'cancel'> & {
  /** Resolves once the worker has started it, or once it has ended. */
  started: Promise<void>
  /** False when an earlier request with the same key has started it. */
  isNew: boolean
  /** Resolves once `onEvent` has taken every event. */
  read: Promise<void>
}

/** A run that ended, for metrics and webhooks. */
export type EndedRun = { caller: Caller; surface: string; result: RunResult }

/** Within what remains until Docker kills the server. */
const cancelMilliseconds = 3_000

/** Maximum bytes of the prompts of all runs in progress, which stay in memory until they end. A token has at most half. */
const promptsBytes = 96 * 1024 * 1024

/** Starts the runs of every surface of the server, within what their tokens may do, until it drains. */
export function createRunStarter(options: {
  runs: ServerRuns
  /** Maximum number of runs of one tenant at once, those that wait for their workspace included. */
  runLimit: number
  /** Maximum number of a tenant's runs that wait until it has less than that. */
  runQueue: number
  /** Returns the number of tenants, which share the memory for prompts. */
  tenants: () => number
  log: ServerLog
  onStart?: (tenant: string) => void
  /** Called for each run that left: with its result, or with null when it was refused. */
  onEnd?: (tenant: string, run: EndedRun | null) => void
}) {
  const { runs, runLimit, runQueue, tenants, log, onStart, onEnd } = options
  const budgets = createRunBudgets(runs.spentToday)
  const active = new Map<string, { caller: Caller; workspace: string; run: Run }>()
  const places = createRunPlaces({ limit: runLimit, queue: runQueue, full: tooManyRuns })
  let draining = false
  const prompts = createByteBudget({ total: promptsBytes, each: promptsBytes / 2, tenants })

  async function start(given: RunStart): Promise<StartedRun> {
    const { caller, workspace, idempotencyKey } = given
    const engine = runs.of(caller.tenant.name)
    const request = { ...given.request, model: modelOf(caller, given.request.model) }
    const owner = caller.token.name
    const keyed = idempotencyKey === undefined ? null : keyOf(owner, idempotencyKey, given)
    const runId = keyed?.runId ?? given.runId ?? randomBytes(8).toString('hex')
    const isKept = keyed !== null && (await engine.find(keyed.runId)) !== null
    if (draining && !isKept) throw stopping()
    const bytes = sizeOf(request)
    const holder = holderOf(caller)
    // Also while it waits for a place.
    if (!prompts.take(holder, bytes)) throw tooManyBytes()
    const held = [() => prompts.give(holder, bytes)]
    const release = () => {
      for (const free of held.splice(0)) free()
    }
    try {
      const { queue } = given
      const waiting = queue && { signal: queue.signal, onWait: () => queue.onWait?.(runId) }
      if (!isKept) held.push(await places.take(caller.tenant.name, waiting ?? null))
      // After the wait, by what the day has cost by then.
      const share = isKept ? null : await budgets.take(caller.token, request.maxBudgetUsd)
      if (share) held.push(share.release)
      const run = engine.start(
        { ...request, maxBudgetUsd: share ? share.maxBudgetUsd : request.maxBudgetUsd },
        // Only a run with a key is compared with another request.
        { ...given, requestDigest: 'none', ...keyed, runId, owner },
      )
      const isNew = !isKept && !active.has(run.id)
      if (isNew) active.set(run.id, { caller, workspace, run })
      if (isNew) onStart?.(caller.tenant.name)
      if (isNew)
        log({ kind: 'run-started', ...aboutRun(caller, run.id), workspace, surface: given.surface })
      const result = watch(run, given, isNew).finally(release)
      result.catch(() => {})
      const { id, cancel } = run
      const acknowledge = () => run.acknowledge().catch(rethrow)
      const reading = readEvents(run, (isNew && given.onEvent) || null)
      return { id, cancel, result, acknowledge, isNew, ...reading }
    } catch (error) {
      release()
      throw httpErrorOf(error)
    }
  }

  async function watch(run: Run, { caller, workspace, surface }: RunStart, isNew: boolean) {
    const began = performance.now()
    try {
      const result = await run.result
      if (isNew) {
        log({
          kind: 'run-ended',
          ...aboutRun(caller, run.id),
          workspace,
          status: result.status,
          milliseconds: Math.round(performance.now() - began),
          costUsd: result.costUsd,
          ...(result.error && { code: result.error.code }),
        })
        onEnd?.(caller.tenant.name, { caller, surface, result })
      }
      return result
    } catch (error) {
      const shown = httpErrorOf(error)
      const reason = shown instanceof HttpError ? shown.message : 'internal error'
      if (isNew) onEnd?.(caller.tenant.name, null)
      if (isNew) log({ kind: 'run-refused', ...aboutRun(caller, run.id), workspace, reason })
      throw shown
    } finally {
      if (isNew) active.delete(run.id)
    }
  }

  return {
    start,
    of: runs.of,
    spentToday: runs.spentToday,
    /** Returns whether a run in progress works in this workspace, or in a folder of it. */
    isRunning: (tenant: string, workspace: string) =>
      [...active.values()].some(
        run => run.caller.tenant.name === tenant && isWithin(workspace, run.workspace),
      ),
    /** Number of runs in progress that this process started. */
    count: () => active.size,
    isDraining: () => draining,

    /** Returns the runs in progress of a workspace, oldest first, however many newer ones have ended. */
    async inProgress(tenant: string, workspace: string): Promise<RunSummary[]> {
      const ids = [...active]
        .filter(([, run]) => run.caller.tenant.name === tenant && run.workspace === workspace)
        .map(([id]) => id)
      const found = await Promise.all(ids.map(id => runs.of(tenant).find(id)))
      return found.flatMap(run => (run?.endedAt === null ? [run] : []))
    },

    /**
     * Starts no more runs and waits for those in progress. Interrupts those that did not end within the time,
     * and names them in the log.
     */
    async drain(milliseconds: number): Promise<void> {
      draining = true
      places.close(stopping())
      if (await allEnd(milliseconds)) return
      for (const [id, { caller, run }] of active) {
        log({ kind: 'warn', message: 'run interrupted: the server stops', ...aboutRun(caller, id) })
        run.interrupt()
      }
      await allEnd(cancelMilliseconds)
    },
  }

  async function allEnd(milliseconds: number): Promise<boolean> {
    const timer = new AbortController()
    const late = sleep(milliseconds, 'late', { signal: timer.signal }).catch(() => 'late')
    const all = Promise.allSettled([...active.values()].map(({ run }) => run.result))
    const first = await Promise.race([all.then(() => 'ended'), late])
    timer.abort()
    return first === 'ended'
  }
}
export type RunStarter = ReturnType<typeof createRunStarter>

/** Returns the model to run, or throws when the token may not use it. */
function modelOf({ token }: Caller, asked: string | undefined): string | undefined {
  if (!token.models) return asked
  const model = asked ?? token.models[0]
  if (model !== undefined && token.models.includes(model)) return model
  throw new HttpError(
    403,
    `model ${model} is not allowed: token ${token.name} may use ${token.models.join(', ')}`,
  )
}

/** Derives a run's id from its token and key, and the digest by which another request with that key is told. */
function keyOf(
  owner: string,
  key: string,
  { request, workspace, asks, questionSeconds, requestDigest }: RunStart,
) {
  const hash = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex')
  return {
    runId: hash([owner, key]).slice(0, 16),
    requestDigest:
      requestDigest ?? hash([request, workspace, asks ?? false, questionSeconds ?? null]),
  }
}

function aboutRun({ token, tenant }: Caller, runId: string) {
  return { runId, token: token.name, tenant: tenant.name }
}

/** Returns the size of a request's texts and attachments, of which only those are large. */
function sizeOf({
  prompt,
  systemPrompt = '',
  appendSystemPrompt = '',
}: RunStart['request']): number {
  const blocks = typeof prompt === 'string' ? [{ type: 'text' as const, text: prompt }] : prompt
  return blocks.reduce(
    (sum, block) => sum + (block.type === 'text' ? block.text : block.source.data).length,
    systemPrompt.length + appendSystemPrompt.length,
  )
}
