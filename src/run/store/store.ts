import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RunFailure } from '../failure.ts'
import type { Answers, OpenQuestion } from '../question.ts'
import type { RunEvent, RunResult, RunStatus } from '../result.ts'

/** File of a run, while its question is open. */
export const questionFile = 'question.json'

/**
 * Returns whether a stored run may wait for an answer; its process can have died since. Without the
 * store's schemas, which take 5 ms to load, because `status` asks each time.
 */
export function hasOpenQuestion(folder: string): boolean {
  try {
    return readdirSync(folder).some(name => existsSync(join(folder, name, questionFile)))
  } catch {
    return false
  }
}

/** The data of a run at its creation. */
export type RunRecord = {
  runId: string
  /** Absolute path in the worker. */
  workspace: string
  /** ISO 8601. */
  startedAt: string
  /** Beginning of the prompt. */
  prompt: string
  model: string | null
  /** The requester: a tenant, a token, a chat. Null for the user of the host. */
  owner: string | null
  /** The surface that requested it: `cli`, `api`, `openai`, `mcp`, … */
  surface: string
  idempotencyKey: string | null
  /** Digest of the request, to detect a different request with the same key. */
  requestDigest: string | null
}

export type RunState = RunStatus | 'running' | 'waiting'

/** A run without its turns and its result object, as shown in lists. */
export type RunSummary = RunRecord & {
  state: RunState
  endedAt: string | null
  sessionId: string | null
  costUsd: number | null
  error: RunFailure | null
  /** The open question; null without one. */
  question: OpenQuestion | null
}

export type StoredRun = RunRecord & {
  /** Null while it runs. */
  result: RunResult | null
}

/** The log of a run in progress, written by the process that watches it. */
export type RunLog = {
  /** Calls `cancel` at most once, when another process requests it. */
  onCancel: (cancel: () => void) => void
  /** Calls `answer` for each answer that another process gives. */
  onAnswer: (answer: (id: string, answers: Answers | null) => void) => void
  setQuestion: (question: OpenQuestion | null) => Promise<void>
  append: (event: RunEvent) => Promise<void>
  /** Resolves once all events so far can be read. */
  flush: () => Promise<void>
  finish: (result: RunResult) => Promise<void>
  /** Removes the run from the store, because it was refused. */
  discard: () => Promise<void>
}

export type RunPage = {
  /** Newest first. */
  runs: RunSummary[]
  /** Cursor: the id to continue after; null at the end. */
  next: string | null
}

/** Stores runs for later, and for other processes. A run whose watching process died is `interrupted`. */
export type RunStore = {
  create: (record: RunRecord) => Promise<RunLog>
  /** Returns the run with its complete result. */
  read: (runId: string) => Promise<StoredRun | null>
  summary: (runId: string) => Promise<RunSummary | null>
  list: (options?: { limit?: number; after?: string }) => Promise<RunPage>
  /** Yields the stored events; with `follow`, also later ones, until the run ends or the signal fires. */
  events: (runId: string, options?: { follow: AbortSignal }) => AsyncIterable<RunEvent>
  /** Asks the watching process to cancel the run. */
  requestCancel: (runId: string) => Promise<void>
  /** Sends an answer to the watching process. */
  sendAnswer: (runId: string, id: string, answers: Answers | null) => Promise<void>
}

/** Returns the summary of a run that ended. */
export function endedSummary(record: RunRecord, result: RunResult): RunSummary {
  const { status, endedAt, sessionId, costUsd, error } = result
  return { ...record, state: status, endedAt, sessionId, costUsd, error, question: null }
}
