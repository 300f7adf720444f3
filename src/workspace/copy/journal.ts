import { copyFile, constants as fs, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { SystemPath } from '../../files/byte-names.ts'
import { openRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { Entry } from './entry.ts'
import { HostFolder, HostState, hashFile } from './host-state.ts'

/** One file of an apply, before and after; null for a missing file. */
export const Step = z.strictObject({
  path: z.string(),
  before: HostState.nullable(),
  after: Entry.nullable(),
  /** Entry of the baseline before the apply; an undo restores it. */
  baseline: Entry.nullable(),
  /** Folders that may become empty, and folders that the step creates. */
  removes: z.array(HostFolder),
  makes: z.array(z.string()),
})
export type Step = z.infer<typeof Step>

const Journal = z.strictObject({
  version: z.literal(1),
  /** ISO 8601. */
  applied: z.string(),
  /** Time of the baseline that it was applied from. */
  taken: z.string(),
  workspace: z.string(),
  /** Part of the names of unfinished files. */
  token: z.string(),
  steps: z.array(Step),
})
export type Journal = z.infer<typeof Journal>

/** An apply that can be undone: its journal, and the previous files. */
export type KeptApply = { folder: string; journal: Journal }

/** Maximum applies that can be undone, and maximum bytes of all but the last. */
const bounds = { levels: 10, bytes: 2 * 1024 * 1024 * 1024 }

export function appliesFolder(statePath: string) {
  return join(statePath, 'applies')
}

export function savedFile(folder: string, step: Step): string | undefined {
  const entry = step.before?.entry
  return entry?.type === 'file' ? join(folder, 'files', entry.sha256) : undefined
}

export function temporaryName(journal: Pick<Journal, 'token'>, index: number) {
  return `.claude-secure-${journal.token}-${index}.tmp`
}

/**
 * Saves the files that the steps change, then writes the journal. However the apply ends after this,
 * `undo` can restore the files.
 */
export async function writeJournal(
  folder: string,
  journal: Journal,
  pathOf: (path: string) => Promise<{ at: SystemPath; close(): Promise<void> } | null>,
) {
  try {
    await keepFiles(folder, journal, pathOf)
    await replaceFile(join(folder, 'journal.json'), JSON.stringify(journal), { durable: true })
  } catch (error) {
    const failed = systemCode(error)
    if (error instanceof UserError && failed === null) throw error
    const code = failed === null ? '' : ` (${failed})`
    throw new UserError(`cannot save the previous files in ${folder}${code}`, {
      hint: 'check the free space and the owner of that folder; nothing was applied',
      cause: error,
    })
  }
}

async function keepFiles(
  folder: string,
  journal: Journal,
  pathOf: (path: string) => Promise<{ at: SystemPath; close(): Promise<void> } | null>,
) {
  await mkdir(join(folder, 'files'), { recursive: true, mode: 0o700 })
  for (const step of journal.steps) {
    const target = savedFile(folder, step)
    if (target === undefined) continue
    const source = await pathOf(step.path)
    try {
      if (source) await keepFile(source.at, target)
    } finally {
      await source?.close()
    }
    const kept = source && (await hashFile(target).catch(() => null))
    const wanted = step.before?.entry
    if (kept?.type !== 'file' || wanted?.type !== 'file' || kept.sha256 !== wanted.sha256) {
      throw new UserError(`${terminalLine(step.path)} changed on the host a moment ago`, {
        hint: 'run the command again; nothing was applied',
      })
    }
  }
}

/** Copies a regular file, and nothing that took its place: a pipe would block, and a symlink lead away. */
async function keepFile(from: SystemPath, to: string) {
  const opened = await openRegularFile(from)
  if (opened.kind !== 'open') return
  try {
    await copyFile(`/proc/self/fd/${opened.file.fd}`, to, fs.COPYFILE_FICLONE)
  } finally {
    await opened.file.close()
  }
}

/** Returns the last apply that was not undone, or null. */
export async function lastApply(statePath: string): Promise<KeptApply | null> {
  for (const name of (await names(statePath)).reverse()) {
    const folder = join(appliesFolder(statePath), name)
    const text = await readFile(join(folder, 'journal.json'), 'utf8').catch(() => null)
    // Without a journal, the apply was interrupted before it changed anything.
    if (text === null) continue
    try {
      return { folder, journal: Journal.parse(JSON.parse(text)) }
    } catch (cause) {
      throw new UserError(`${folder}/journal.json is damaged: that apply cannot be undone`, {
        hint: `copy the previous files from ${folder}/files, or remove the folder to undo the apply before it`,
        cause,
      })
    }
  }
  return null
}

async function names(statePath: string) {
  const listed = await readdir(appliesFolder(statePath)).catch(() => [])
  return listed.filter(name => /^\d{4}-\d\d-\d\dT[\d.-]+Z-[0-9a-f]+$/.test(name)).sort()
}

/** Removes the oldest applies above the limits; never the last one. */
export async function pruneApplies(statePath: string, limits = bounds) {
  const newestFirst = (await names(statePath)).reverse()
  let bytes = 0
  for (const [index, name] of newestFirst.entries()) {
    const folder = join(appliesFolder(statePath), name)
    if (index > 0) bytes += await sizeOf(join(folder, 'files'))
    if (index > 0 && (index >= limits.levels || bytes > limits.bytes)) {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

async function sizeOf(folder: string) {
  const files = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(files.map(file => stat(join(folder, file)).catch(() => null)))
  return sizes.reduce((sum, status) => sum + (status?.size ?? 0), 0)
}
