import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isMissing } from '../../base/errors.ts'
import { readFrom, readGrowing, readLines } from '../../files/lines.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { holdName, lockFolder, readHolder } from '../../process/name-lock.ts'
import { RunId } from '../ids.ts'
import type { RunEvent } from '../result.ts'
import { RunResult } from '../result.ts'
import { interruptedResult } from './interrupted.ts'
import {
  cannotKeep,
  cannotRead,
  parseStoredEvent,
  readJson,
  StoredQuestion,
  StoredRecord,
  StoredSummary,
} from './run-files.ts'
import { createRunLog } from './run-log.ts'
import {
  endedSummary,
  questionFile,
  type RunRecord,
  type RunStore,
  type RunSummary,
  type StoredRun,
} from './store.ts'

const lineBytes = 16 * 1024 * 1024
const pageRuns = 200

export type Retention = { runs: number; days: number }
const defaultRetention: Retention = { runs: 200, days: 7 }

/**
 * Stores each run as a folder of files, mode 0600: `run.json`, `events.ndjson`, `question.json` while it
 * waits, and `result.json` with `summary.json` once it ended, each written atomically. A run without a
 * result is alive as long as its watching process holds a socket. Old runs are pruned when another
 * run ends.
 */
export function createFileStore(folder: string, retention = defaultRetention): RunStore {
  const place = (runId: string, file = '') => join(folder, RunId.parse(runId), file)
  // Beside the runs, so that every process that reads them finds their watchers.
  const watchers = lockFolder(dirname(folder))
  const isAlive = async (runId: string) => (await readHolder(watchers, runId)) !== null
  const result = (runId: string) => readJson(place(runId, 'result.json'), RunResult)

  const read = async (runId: string): Promise<StoredRun | null> => {
    const record = await readJson(place(runId, 'run.json'), StoredRecord)
    if (!record) return null
    const ended = await result(runId)
    if (ended) return { ...record, result: ended }
    if (await isAlive(runId)) return { ...record, result: null }
    // The run may have ended between the two reads.
    return { ...record, result: (await result(runId)) ?? (await interrupt(record)) }
  }

  const summary = async (runId: string): Promise<RunSummary | null> => {
    const record = await readJson(place(runId, 'run.json'), StoredRecord)
    if (!record) return null
    const ended = await readJson(place(runId, 'summary.json'), StoredSummary)
    if (ended) return { ...record, ...ended, question: null }
    if (await isAlive(runId)) {
      const question = await readJson(place(runId, questionFile), StoredQuestion)
      const state = question ? 'waiting' : 'running'
      return {
        ...record,
        state,
        endedAt: null,
        sessionId: null,
        costUsd: null,
        error: null,
        question,
      }
    }
    // A run of an earlier version, a run that just ended, or a run whose process died.
    const whole = await read(runId)
    return whole?.result ? endedSummary(record, whole.result) : null
  }

  const keepResult = async (record: RunRecord, ended: RunResult) => {
    await replaceFile(place(record.runId, 'result.json'), JSON.stringify(ended))
    const { state, endedAt, sessionId, costUsd, error } = endedSummary(record, ended)
    const kept = { state, endedAt, sessionId, costUsd, error }
    await replaceFile(place(record.runId, 'summary.json'), JSON.stringify(kept))
  }

  /** Stores the result `interrupted`: the watching process died, and the run ended with its connection. */
  const interrupt = async (record: RunRecord): Promise<RunResult> => {
    const interrupted = await interruptedResult(record, events(record.runId))
    await keepResult(record, interrupted).catch(() => {})
    return interrupted
  }

  async function* events(
    runId: string,
    options?: { follow: AbortSignal },
  ): AsyncGenerator<RunEvent> {
    const path = place(runId, 'events.ndjson')
    // A removed run has ended too.
    const whole = async () => (await summary(runId))?.endedAt !== null
    let seq = 0
    const file = options ? readGrowing(path, { whole, signal: options.follow }) : readFrom(path, 0)
    for await (const line of readLines(file, lineBytes)) {
      const event = line === null ? null : parseStoredEvent(line, { seq: seq + 1, at: '' })
      if (!event) continue
      seq = event.seq
      yield event
    }
  }

  const list: RunStore['list'] = async ({ limit = pageRuns, after } = {}) => {
    const names = await readdir(folder).catch(error => {
      if (isMissing(error)) return []
      throw cannotRead(folder, error)
    })
    const records = await Promise.all(
      runIdsOf(names).map(id => readJson(place(id, 'run.json'), StoredRecord)),
    )
    const ids = records
      .filter(record => record !== null)
      .sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0))
      .map(({ runId }) => runId)
    const from = after === undefined ? 0 : ids.indexOf(after) + 1
    const page = ids.slice(from, from + limit)
    const runs = (await Promise.all(page.map(summary))).filter(run => run !== null)
    return { runs, next: from + limit < ids.length ? (page.at(-1) ?? null) : null }
  }

  /** Removes old runs by their end time, which is the modification time of their folder. */
  const prune = async () => {
    const oldest = Date.now() - retention.days * 24 * 60 * 60_000
    const names = await readdir(folder)
    const ids = runIdsOf(names)
    const ages = await Promise.all(
      ids.map(async runId => ({ runId, at: (await stat(place(runId))).mtimeMs })),
    )
    const old = ages
      .sort((a, b) => b.at - a.at)
      .filter(({ at }, index) => index >= retention.runs || at < oldest)
    for (const { runId } of old) {
      if ((await summary(runId))?.endedAt === null) continue
      await rm(place(runId), { recursive: true, force: true })
    }
  }

  return {
    read,
    summary,
    list,
    events,

    async create(record) {
      const runId = RunId.parse(record.runId)
      const release = await holdName(watchers, runId).catch((error: unknown) => {
        throw cannotKeep(folder, error)
      })
      if (!release) throw new Error(`run ${runId} is watched by another process`)
      try {
        await mkdir(place(runId), { recursive: true, mode: 0o700 })
        await replaceFile(place(runId, 'run.json'), JSON.stringify(record))
      } catch (error) {
        release()
        throw cannotKeep(folder, error)
      }
      const log = createRunLog(place(runId))
      return {
        ...log,
        async finish(ended) {
          await log.end()
          try {
            await keepResult(record, ended)
          } finally {
            release()
          }
          await prune().catch(() => {})
        },
        async discard() {
          await log.end()
          await rm(place(runId), { recursive: true, force: true }).catch(() => {})
          release()
        },
      }
    },

    async requestCancel(runId) {
      await writeFile(place(runId, 'cancel'), '', { mode: 0o600 })
    },

    async sendAnswer(runId, id, answers) {
      await replaceFile(place(runId, 'answer.json'), JSON.stringify({ id, answers }))
    },
  }
}

function runIdsOf(names: readonly string[]) {
  return names.filter(name => RunId.safeParse(name).success)
}
