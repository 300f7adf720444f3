import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { systemCode } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import type { Job } from './job.ts'

/** The content of meta.json. */
export const HistoryMeta = z.object({
  job: z.string(),
  workspace: z.string(),
  tenant: z.string().nullable(),
  token: z.string().nullable(),
  runId: z.string().nullable(),
  schedule: z.string(),
  timezone: z.string(),
  /** When it was due; null for a run that was asked for. ISO 8601, as the others. */
  dueAt: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  /** `running`, the status of a run, `refused`, or `skipped`. */
  status: z.string(),
  /** Whether it made up for fires that a downtime missed. */
  catchUp: z.boolean(),
  costUsd: z.number().nullable(),
  /** The failure; null without one. */
  error: z.string().nullable(),
  answer: z.string(),
})
export type HistoryMeta = z.infer<typeof HistoryMeta>
export type HistoryEntry = HistoryMeta & { folder: string }

const keptOfJob = 100
const activityBytes = 16 * 1024 * 1024
const metaBytes = 4 * 1024 * 1024
const runFolder = /^\d{8}-\d{6}(?:\.\d+)?-([A-Za-z0-9_-]{1,64})$/

/** The history of the jobs: `WORKSPACE/YYYYMMDD-HHMMSS-JOB/` with activity.jsonl, stderr.log and meta.json. */
export function openHistory(root: string) {
  const placeOf = (workspace: string | undefined) => join(root, folderName(workspace))

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
    replaceFile(join(folder, 'meta.json'), `${JSON.stringify(meta, null, 2)}\n`)

  async function readMeta(folder: string): Promise<HistoryEntry | null> {
    const text = textOf(await readRegularFile(join(folder, 'meta.json'), { limit: metaBytes }))
    const parsed = HistoryMeta.safeParse(text === null ? null : parseJson(text))
    return parsed.success ? { ...parsed.data, folder } : null
  }

  return {
    /** Makes the folder of a run, and removes the oldest ones of its job. */
    async begin(job: Job, meta: HistoryMeta) {
      const place = placeOf(job.workspace)
      await mkdir(place, { recursive: true, mode: 0o700 })
      const folder = await makeFolder(place, job.name, new Date(meta.startedAt))
      await writeMeta(folder, meta)
      for (const old of (await folders(job)).slice(keptOfJob)) {
        await rm(old, { recursive: true, force: true })
      }
      const activity = await open(join(folder, 'activity.jsonl'), 'a', 0o600)
      const errors = await open(join(folder, 'stderr.log'), 'a', 0o600)
      return {
        folder,
        activity: boundedLines(activity, activityBytes),
        errors: boundedLines(errors, activityBytes),
        async end(ended: HistoryMeta) {
          await activity.close()
          await errors.close()
          await writeMeta(folder, ended)
        },
        /** Keeps what a sink did, such as `telegram.json`. */
        note: (sink: string, content: unknown) =>
          replaceFile(join(folder, `${sink}.json`), `${JSON.stringify(content)}\n`),
      }
    },

    /** Returns the runs of a job, newest first. */
    async list(job: Pick<Job, 'name' | 'workspace'>, limit = 20): Promise<HistoryEntry[]> {
      const found: HistoryEntry[] = []
      for (const folder of await folders(job)) {
        if (found.length >= limit) break
        const entry = await readMeta(folder)
        if (entry) found.push(entry)
      }
      return found
    },

    /** Marks a run that the last process left in progress. */
    async interrupt(folder: string, at: Date): Promise<HistoryEntry | null> {
      const entry = await readMeta(folder)
      if (entry?.status !== 'running') return null
      const { folder: _, ...meta } = entry
      const error = 'the server stopped'
      const ended = { ...meta, status: 'interrupted', endedAt: at.toISOString(), error }
      await writeMeta(folder, ended)
      return { ...ended, folder }
    },
  }
}
export type History = ReturnType<typeof openHistory>
export type RunHistory = Awaited<ReturnType<History['begin']>>

/** Returns the folder of a workspace, as one name. `%2F` is the tenant's root. */
function folderName(workspace = ''): string {
  const name = encodeURIComponent(workspace || '/').replaceAll('.', '%2E')
  if (name.length <= 200) return name
  return `${name.slice(0, 120)}-${createHash('sha256').update(workspace).digest('hex')}`
}

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

/** Appends lines up to a bound; what is beyond it is left out, and the last line says so. */
function boundedLines(file: FileHandle, most: number) {
  let bytes = 0
  return async (line: string) => {
    if (bytes > most) return
    bytes += Buffer.byteLength(line) + 1
    await file.appendFile(bytes > most ? '{"kind":"truncated"}\n' : `${line}\n`)
  }
}
