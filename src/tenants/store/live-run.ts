import { createDeferred } from '../../base/async.ts'
import type { Answers } from '../../run/question.ts'
import type { RunLog, RunRecord } from '../../run/store/store.ts'
import { storageError } from './database.ts'
import type { Endings } from './endings.ts'
import type { Statements } from './statements.ts'
import { nothing, spentUpTo } from './usage-of-run.ts'

/** Maximum bytes of the events of one run. */
const logBytes = 8 * 1024 * 1024

export type LiveRunOptions = {
  id: number
  record: RunRecord
  path: string
  statements: Statements
  endings: Endings
  report: (error: Error) => void
  /** Called when the run is over. */
  leave: () => void
}

/**
 * Writes the events of a run in progress. Partial messages are left out, because the whole message follows them. A
 * full disk loses events, but does not fail the run.
 */
export function createLiveRun(options: LiveRunOptions) {
  const { id, record, path, statements, endings, report, leave } = options
  let left = logBytes
  let isBroken = false
  let isOver = false
  let spent = nothing
  let change = createDeferred<void>()
  let cancel: (() => void) | null = null
  let answer: ((id: string, answers: Answers | null) => void) | null = null

  const changed = () => {
    change.resolve()
    change = createDeferred()
  }
  const end = () => {
    isOver = true
    leave()
    changed()
  }

  const log: RunLog = {
    onCancel(call) {
      cancel = call
    },
    onAnswer(call) {
      answer = call
    },

    async setQuestion(question) {
      if (isOver) return
      const state = question ? 'waiting' : 'running'
      statements.question.run(state, question && JSON.stringify(question), id)
    },

    async append(event) {
      spent = spentUpTo(event) ?? spent
      if (isOver || isBroken || left <= 0) return
      if (event.kind === 'claude' && event.message.type === 'stream_event') return
      const body = JSON.stringify(event)
      left -= Buffer.byteLength(body)
      const { seq, at } = event
      const last = { seq, at, kind: 'notice', text: 'the log of this run is full' }
      try {
        statements.event.run(id, seq, left > 0 ? body : JSON.stringify(last))
      } catch (error) {
        isBroken = true
        report(storageError(path, error))
      }
      changed()
    },

    // Each event is in the database when `append` returns.
    async flush() {},

    async finish(result) {
      if (isOver) throw new Error(`run ${record.runId} is over`)
      try {
        const { owner, surface } = record
        endings.keep({ id, owner, surface, result, spent })
      } finally {
        end()
      }
    },

    async discard() {
      if (isOver) return
      end()
      statements.discard.run(id)
    },
  }

  return {
    id,
    record,
    log,
    spent: () => spent,
    /** Resolves at the next event, and at the end. */
    change: () => change.promise,
    /** Takes the run from its watcher: nothing more of it is stored. */
    end,
    cancel: () => {
      cancel?.()
      cancel = null
    },
    answer: (questionId: string, answers: Answers | null) => answer?.(questionId, answers),
  }
}
export type LiveRun = ReturnType<typeof createLiveRun>
