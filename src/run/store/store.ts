import type { RunEvent } from '../event.ts'
import type { RunResult } from '../result.ts'

/** What is kept of a run besides its events and its result. */
export type RunRecord = {
  runId: string
  /** Absolute path in the worker. */
  workspace: string
  /** ISO 8601. */
  startedAt: string
  /** Beginning of the prompt. */
  prompt: string
  model: string | null
}

export type StoredRun = RunRecord & {
  /** Null while it runs. */
  result: RunResult | null
}

/** A run under way, kept by whoever watches over it. */
export type RunLog = {
  /** Called at most once, when somebody asks from elsewhere that the run be cancelled. */
  onCancel: (cancel: () => void) => void
  append: (event: RunEvent) => Promise<void>
  finish: (result: RunResult) => Promise<void>
  /** The run was refused: nothing of it is kept. */
  discard: () => Promise<void>
}

/**
 * Where runs are kept, so that their results can be read later and by others. A run whose watcher
 * died reads as `interrupted`.
 */
export type RunStore = {
  create: (record: RunRecord) => Promise<RunLog>
  read: (runId: string) => Promise<StoredRun | null>
  /** Newest first. */
  list: () => Promise<StoredRun[]>
  /** Those that are there; with `follow`, also those that come until the run ends or the signal fires. */
  events: (runId: string, options?: { follow: AbortSignal }) => AsyncIterable<RunEvent>
  /** Asks the run's watcher to cancel it. */
  requestCancel: (runId: string) => Promise<void>
}
