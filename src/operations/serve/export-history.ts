import { lstat, mkdir, opendir, realpath, rename } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { command } from '../../base/command.ts'
import { systemCode, UserError } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import {
  historyParts,
  metaBytes,
  RunMeta,
  runFolder,
  slugForm,
} from '../../config/schedule-history.ts'
import { descend, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import { withScratchFolder } from '../../files/scratch-folder.ts'
import { serverFolder } from '../../stack/server/server-folder.ts'
import { refuseOtherOwner } from '../../stack/state/owner.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { addMissingFile, copyRunFiles } from './copy-run-files.ts'
import { serverIdentity } from './server-context.ts'

export type HistoryExport = {
  /** Real path of the target. */
  folder: string
  exported: number
  /** Runs that the target had already. */
  present: number
  /** Runs in progress, which a later export has. */
  running: number
  /** Of the runs that were exported. */
  bytes: number
}

export type ExportOptions = {
  target: string
  job?: string | undefined
  /** Number of runs, the newest; every one without it. */
  limit?: number | undefined
}

type Place = { workspace: string; run: string }

/** Beyond the runs that one job keeps, times the number of jobs. */
const mostRuns = 200_000
const mostBytes = 32 * 1024 ** 3

/**
 * Copies the history of a server's schedules to a folder, in claudebox's form: `WORKSPACE/YYYYMMDD-HHMMSS-JOB/`. A run
 * appears as a whole, and one that is there stays as it is. Needs no running server. Follows no symlink below either
 * folder: the server writes one of them, and an agent may write the other.
 *
 * @param options with the state folder of the server
 */
export async function exportHistory(
  options: ExportOptions & { state: string },
): Promise<HistoryExport> {
  const { job, limit = mostRuns, state } = options
  const source = await realpath(state).catch(() => null)
  const runs = source === null ? [] : await listRuns(source, job)
  if (source === null || runs.length === 0) {
    const whose = job === undefined ? 'the server' : `job ${terminalLine(job, 64)}`
    throw new UserError(`${whose} has no history of schedules`, {
      hint: `run ${command('schedule list')} for the jobs of the server`,
    })
  }
  const chosen = runs.sort((a, b) => (a.run < b.run ? 1 : -1)).slice(0, limit)
  try {
    await mkdir(options.target, { recursive: true, mode: 0o700 })
    const target = await realpath(options.target)
    const counts: HistoryExport = { folder: target, exported: 0, present: 0, running: 0, bytes: 0 }
    for (const workspace of new Set(chosen.map(run => run.workspace))) {
      const names = chosen.filter(run => run.workspace === workspace).map(({ run }) => run)
      await exportWorkspace({ source, target, workspace }, names, counts)
    }
    return counts
  } catch (error) {
    const code = systemCode(error)
    if (error instanceof UserError || code === null) throw error
    throw new UserError(`cannot write ${terminalLine(options.target)} (${code})`, {
      hint: 'check the free space and the owner of that folder',
      cause: error,
    })
  }
}

/** Exports the history of one of the user's servers. */
export async function exportServerHistory(
  options: ExportOptions & { server?: string | undefined },
): Promise<HistoryExport> {
  const identity = serverIdentity(options.server)
  const folder = stateFolder(identity.name)
  await refuseOtherOwner(identity, folder)
  return exportHistory({ ...options, state: folder.path })
}

async function exportWorkspace(
  { source, target, workspace }: { source: string; target: string; workspace: string },
  runs: readonly string[],
  counts: HistoryExport,
): Promise<void> {
  const to = await openTarget(target, workspace)
  try {
    await withScratchFolder(pathOf(to), '.export-', async scratch => {
      for (const run of runs) {
        const from = await openSource(source, [workspace, run])
        if (from === null) continue
        try {
          const status = await statusOf(from)
          // A server that was killed at its start leaves an empty folder.
          if (status === null) continue
          if (status === 'running') counts.running += 1
          else if (await isThere(to, run)) {
            counts.present += 1
            await addMissingFile(from, pathOf(to), run)
          } else {
            counts.bytes += await copyRunFiles(from, join(scratch, run))
            if (counts.bytes > mostBytes) throw tooLarge()
            await rename(join(scratch, run), to.at(run))
            counts.exported += 1
          }
        } finally {
          await from.close()
        }
      }
    })
  } finally {
    await to.close()
  }
}

/** Returns the runs of a job, or of all jobs. Other names, which the server does not write, are left out. */
async function listRuns(source: string, job: string | undefined): Promise<Place[]> {
  const runs: Place[] = []
  for (const workspace of await namesIn(source, [])) {
    if (!slugForm.test(workspace)) continue
    for (const run of await namesIn(source, [workspace])) {
      const [, name] = runFolder.exec(run) ?? []
      if (name === undefined || (job !== undefined && name !== job)) continue
      if (runs.length === mostRuns) throw tooMany()
      runs.push({ workspace, run })
    }
  }
  return runs
}

async function namesIn(source: string, parts: readonly string[]): Promise<string[]> {
  const folder = await openSource(source, parts)
  if (folder === null) return []
  try {
    const names: string[] = []
    for await (const { name } of await opendir(pathOf(folder))) {
      if (names.length === mostRuns) throw tooMany()
      names.push(name)
    }
    return names
  } finally {
    await folder.close()
  }
}

function tooMany() {
  return new UserError(`the history has more than ${mostRuns} runs`, {
    hint: 'remove older ones from the folder server-data/cron/history of the server',
  })
}

function tooLarge() {
  return new UserError(`the history is larger than ${mostBytes / 1024 ** 3} GiB`, {
    hint: 'name a job, or give --lines; the runs exported so far stay',
  })
}

/** Opens a folder of the server's history; null when it is missing, or not a folder. */
async function openSource(source: string, parts: readonly string[]): Promise<OpenFolder | null> {
  const data = basename(serverFolder({ path: source }).data)
  const { folder, stopped } = await descend(await openRootFolder(source), [
    ...[data, ...historyParts],
    ...parts,
  ])
  if (stopped === null) return folder
  await folder.close()
  return null
}

/** Opens the folder of a workspace in the target, which is made for the user alone. */
async function openTarget(target: string, workspace: string): Promise<OpenFolder> {
  const root = await openRootFolder(target)
  await mkdir(root.at(workspace), 0o700).catch(async error => {
    if (systemCode(error) === 'EEXIST') return
    await root.close()
    throw error
  })
  const { folder, stopped } = await descend(root, [workspace])
  if (stopped === null) return folder
  await folder.close()
  throw new UserError(`${terminalLine(join(target, workspace))} is not a folder`, {
    hint: 'remove it, or name another folder',
  })
}

async function statusOf(run: OpenFolder): Promise<string | null> {
  const text = textOf(await readRegularFile(run.at('meta.json'), { limit: metaBytes }))
  const parsed = RunMeta.safeParse(text === null ? null : parseJson(text))
  return parsed.success ? parsed.data.status : null
}

async function isThere(folder: OpenFolder, name: string): Promise<boolean> {
  const error = await lstat(folder.at(name)).then(() => null, systemCode)
  return error !== 'ENOENT'
}

function pathOf({ file }: OpenFolder): string {
  return `/proc/self/fd/${file.fd}`
}
