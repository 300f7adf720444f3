import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { activityBytes, metaBytes, RunMeta, runFolder } from '../config/schedule-history.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { type HistoryMeta, metaFile, metaOf, slugOf } from './history-meta.ts'
import type { Job } from './job.ts'

export type HistoryEntry = HistoryMeta & { folder: string }

/** Opens the history of the jobs: `WORKSPACE/YYYYMMDD-HHMMSS-JOB/` with the files that claudebox writes. */
export function openHistory(root: string) {
  const placeOf = (workspace: string | undefined) => join(root, slugOf(workspace))

  async function folders(job: Pick<Job, 'name' | 'workspace'>): Promise<string[]> {
    const place = placeOf(job.workspace)
    const names = await readdir(place).catch(error => {
      if (systemCode(error) === 'ENOENT') return []
      throw error
    })
    return names
      .filter(name => runFolder.exec(name)?.[1] === job.name)
      .sort()
      .reverse()
      .map(name => join(place, name))
  }

  const writeMeta = (folder: string, meta: HistoryMeta) =>
    replaceFile(join(folder, 'meta.json'), `${JSON.stringify(metaFile(meta), null, 2)}\n`)

  async function readMeta(folder: string): Promise<HistoryEntry | null> {
    const text = textOf(await readRegularFile(join(folder, 'meta.json'), { limit: metaBytes }))
    const parsed = RunMeta.safeParse(text === null ? null : parseJson(text))
    return parsed.success ? { ...metaOf(parsed.data), folder } : null
  }

  /** Keeps what a sink did, such as `telegram.json`. */
  const note = (folder: string, sink: string, content: unknown) =>
    replaceFile(join(folder, `${sink}.json`), `${JSON.stringify(content, null, 2)}\n`)

  return {
    /** Makes the folder of a run, and removes the oldest ones of its job. */
    async begin(job: Job, meta: HistoryMeta) {
      const place = placeOf(job.workspace)
      await mkdir(place, { recursive: true, mode: 0o700 })
      const folder = await makeFolder(place, job.name, new Date(meta.startedAt))
      await writeMeta(folder, meta)
      for (const old of (await folders(job)).slice(job.keptRuns)) {
        await rm(old, { recursive: true, force: true })
      }
      const activity = await open(join(folder, 'activity.jsonl'), 'a', 0o600)
      const errors = await open(join(folder, 'stderr.log'), 'a', 0o600)
      return {
        folder,
        activity: boundedLines(activity, '{"type":"system","subtype":"truncated"}'),
        errors: boundedLines(errors, '(truncated)'),
        async end(ended: HistoryMeta) {
          await activity.close()
          await errors.close()
          await writeMeta(folder, ended)
        },
        note: (sink: string, content: unknown) => note(folder, sink, content),
      }
    },

    note,

    /** Returns the runs of a job, newest first. */
    async list(job: Pick<Job, 'name' | 'workspace'>, limit = 20): Promise<HistoryEntry[]> {
      const found: HistoryEntry[] = []
      for (const folder of await folders(job)) {
        if (found.length >= limit) break
        const entry = await readMeta(folder)
        // Two workspaces can have one folder: app-1 and app_1.
        if (entry?.workspace === (job.workspace ?? '')) found.push(entry)
      }
      return found
    },

    /** Marks a run that the last process left in progress. */
    async interrupt(folder: string, at: Date): Promise<HistoryEntry | null> {
      const entry = await readMeta(folder)
      if (entry?.status !== 'running') return null
      const { folder: _, ...meta } = entry
      const ended = {
        ...{ ...meta, status: 'interrupted', endedAt: at.toISOString(), exitCode: -1 },
        error: 'the server stopped',
      }
      await writeMeta(folder, ended)
      return { ...ended, folder }
    },
  }
}
export type History = ReturnType<typeof openHistory>
export type RunHistory = Awaited<ReturnType<History['begin']>>

/** Two runs of one second have a number. */
async function makeFolder(place: string, job: string, at: Date): Promise<string> {
  const stamp = at
    .toISOString()
    .replace(/[-:]|\..*/g, '')
    .replace('T', '-')
  for (let number = 1; ; number += 1) {
    const folder = join(place, `${stamp}${number === 1 ? '' : `.${number}`}-${job}`)
    try {
      await mkdir(folder, { mode: 0o700 })
      return folder
    } catch (error) {
      if (systemCode(error) !== 'EEXIST' || number === 1_000) throw error
    }
  }
}

/**
 * Appends lines up to a bound. Leaves out the lines beyond it, and says so by the line `cut`. Writes a line with
 * `isLast` in any case.
 */
function boundedLines(file: FileHandle, cut: string) {
  let bytes = 0
  return async (line: string, { isLast = false } = {}) => {
    if (bytes > activityBytes && !isLast) return
    bytes += Buffer.byteLength(line) + 1
    await file.appendFile(`${bytes > activityBytes && !isLast ? cut : line}\n`)
  }
}
