import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { descend, openRootFolder } from '../files/beneath.ts'
import { replaceFile } from '../files/replace-file.ts'
import type { HistoryMeta } from './history-meta.ts'
import type { Job, SinkName } from './job.ts'

/** What came of a fire. */
export type JobResult =
  | { kind: 'ended'; meta: HistoryMeta; folder: string; note: (content: unknown) => Promise<void> }
  /** The run before it is still in progress. */
  | { kind: 'skipped'; reason: string; dueAt: string }

/** Delivers the result of a job. A sink that fails loses this result, which the history keeps. */
export type Sink = (job: Job, result: JobResult) => Promise<void>

/** `none` and `webhook` need none: with WEBHOOK_URL, the end of each run is reported from the store. */
export type Sinks = Partial<Record<Exclude<SinkName, 'none' | 'webhook'>, Sink>>

/**
 * Makes the sink that writes the answer to a file of the job's workspace. It follows no symlink, which the agent may
 * put there at any moment (threat H2).
 */
export function createFileSink(workspacesFolder: string): Sink {
  return async (job, result) => {
    if (result.kind !== 'ended' || job.file === null || result.meta.tenant === null) return
    const root = await realpath(join(workspacesFolder, result.meta.tenant))
    const path = [...(job.workspace?.split('/') ?? []), ...job.file.split('/')]
    const name = path.pop() ?? ''
    const { folder, stopped } = await descend(await openRootFolder(root), path, { make: true })
    try {
      if (stopped !== null) throw new Error(`a folder of ${job.file} is not a folder`)
      const { answer, error } = result.meta
      const text = error === null ? answer : `${answer}\n\n${error}`.trimStart()
      await replaceFile(folder.at(name), `${text}\n`, { mode: 0o644 })
    } finally {
      await folder.close()
    }
  }
}
