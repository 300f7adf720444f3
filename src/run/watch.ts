import type { Deferred } from '../base/async.ts'
import { messageOf } from '../base/errors.ts'
import { createCollector, type RunEnding, type TurnRoom } from './collect.ts'
import { RunRefusal } from './failure.ts'
import { follow, neverStarted, type Patience } from './follow.ts'
import type { Hub } from './hub.ts'
import type { CompileSchema, Validate } from './json-schema.ts'
import type { WorkspaceLease } from './lease.ts'
import { defaultQuestionSeconds } from './question.ts'
import { createQuestionBroker, type QuestionBroker } from './question-broker.ts'
import { promptText, type RunRequest } from './request.ts'
import type { RunEventBody } from './result.ts'
import { type RunResult, validated } from './result.ts'
import type { RunLog, RunStore } from './store/store.ts'
import type { RunConnection, RunTransport } from './transport.ts'

export type RunOptions = {
  /** Absolute path in the worker. */
  workspace: string
  /** Cancels the run. */
  signal?: AbortSignal
  runId?: string
  /** Wait for the run that holds the workspace, instead of refusing. */
  wait?: boolean
  /** Whether anyone can answer the model's questions. */
  asks?: boolean
  /** Maximum seconds that a question waits for its answer. */
  questionSeconds?: number
  /** Takes the way to the runner, for the results of `clientTools`. */
  onConnected?: (send: RunConnection['send']) => void
  /** See `RunRecord`. */
  owner?: string | null
  surface?: string
  /** Requests with the same key and owner share one run. */
  idempotencyKey?: string
  /** Digest of the request as the client sent it, for a surface that completes it, such as with a budget. */
  requestDigest?: string
}

export type RunEngineParts = {
  /** Returns the transport to a workspace's worker. */
  workers: (workspace: string) => RunTransport
  store: RunStore
  lease: WorkspaceLease
  now: () => Date
  /**
   * Compiles the schema of a request; the default does it in this process, which a schema can occupy: only
   * for schemas of the user.
   */
  compileSchema?: CompileSchema
  /** Receives an error that no caller is told: the run was acknowledged. */
  report?: (error: unknown) => void
  /** The memory for the turns of all runs; without it, each run has its own bound alone. */
  turnRoom?: TurnRoom
  /** Returns the last notices of a run that has ended; its errors are ignored. */
  parting?: (since: Date) => Promise<readonly string[]>
  /** Milliseconds; the defaults suit an interactive user. */
  patience?: Partial<Patience>
}

/** The parts of a watched run that the engine uses. */
export type Watching = {
  hub: Hub
  log?: RunLog
  broker?: QuestionBroker
  /** Resolves once the run is in the store. */
  stored: Deferred<void>
  /** The caller was told that the run goes on: a refusal is a failure of the run. */
  isAcknowledged: boolean
  /** The run was refused, and is being removed from the store. */
  isRefused: boolean
}

export type Watched = RunOptions & {
  request: RunRequest
  digest: string
  id: string
  signal: AbortSignal
}

/** Watches one run from its lease to its stored result. */
export async function watchRun(
  parts: RunEngineParts,
  run: Watched,
  entry: Watching,
): Promise<RunResult> {
  const { store, lease, now } = parts
  const { request, id, workspace, signal, asks = false } = run
  const questionSeconds = run.questionSeconds ?? defaultQuestionSeconds
  const { hub } = entry
  const startedAt = now().toISOString()
  const { timeoutSeconds } = request
  const collector = createCollector(
    { runId: id, workspace, startedAt, timeoutSeconds },
    parts.turnRoom,
  )
  const log = await store.create({
    runId: id,
    workspace,
    startedAt,
    prompt: promptText(request.prompt).slice(0, 500),
    model: request.model ?? null,
    owner: run.owner ?? null,
    surface: run.surface ?? 'cli',
    idempotencyKey: run.idempotencyKey ?? null,
    requestDigest: run.digest,
  })
  const publish = async (happening: RunEventBody) => {
    const event = hub.stamp(happening)
    await log.append(event)
    await hub.publish(event)
  }
  const broker = createQuestionBroker({
    asks,
    seconds: questionSeconds,
    keep: log.setQuestion,
    publish,
    now,
  })
  Object.assign(entry, { log, broker })
  entry.stored.resolve()
  let validate: Validate | null = null
  const finish = async (ending: RunEnding) => {
    const result = await validated(collector.result(ending, now().toISOString()), validate)
    if (collector.isCut()) await publish({ kind: 'notice', text: turnsMissing })
    await log.finish(result).catch(error => {
      const text = `the result could not be kept: ${messageOf(error)}`
      return hub.publish(hub.stamp({ kind: 'notice', text }))
    })
    return result
  }
  try {
    // An invalid schema is refused before the run costs anything.
    const compile = parts.compileSchema ?? compileHere
    if (request.jsonSchema) validate = await compile(request.jsonSchema)
    const cancelled = new AbortController()
    log.onCancel(() => cancelled.abort(new Error('cancelled')))
    log.onAnswer(broker.answer)
    const either = AbortSignal.any([signal, cancelled.signal])
    const release = await lease
      .acquire(workspace, id, { wait: run.wait ?? false, signal: either })
      .catch(error => unlessAborted(either, error))
    if (release === null) return await finish(neverStarted)
    // The lease is released before the end is published, because a reader may start the next run at once.
    const ending = await follow(
      { transport: parts.workers(workspace), ...(parts.patience && { patience: parts.patience }) },
      { ...run, asks, questionSeconds, signal: either },
      { collector, startedAt, broker, publish, hurry: hub.hurry },
    ).finally(release)
    await broker.end()
    const words = await parts.parting?.(new Date(startedAt)).catch(() => [])
    for (const text of words ?? []) await publish({ kind: 'notice', text })
    return await finish(ending)
  } catch (error) {
    await broker.end().catch(() => {})
    if (entry.isAcknowledged) {
      const isRefusal = error instanceof RunRefusal
      if (!isRefusal) parts.report?.(error)
      return await finish({ kind: 'refused', words: isRefusal ? error.message : 'internal error' })
    }
    entry.isRefused = true
    await log.discard()
    throw error
  } finally {
    collector.release()
  }
}

const turnsMissing =
  'the last turns are missing in the result: the turns of the runs in progress are too large'

function unlessAborted(signal: AbortSignal, error: unknown): null {
  if (signal.aborted && !(error instanceof RunRefusal)) return null
  throw error
}

async function compileHere(schema: Record<string, unknown>): Promise<Validate> {
  // Loaded on demand: few runs have a schema.
  return (await import('./json-schema.ts')).createValidator(schema)
}
