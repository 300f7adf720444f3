import { chmodSync, lstatSync, mkdirSync, opendirSync, renameSync, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { runConfig } from '../../run/run-home.ts'
import { removeInBackground } from '../temporary.ts'
import type { Workspace } from '../workspace.ts'
import { sessionFile } from './sessions.ts'

const folderMode = 0o700
const fileMode = 0o600

/** Maximum entries that are looked at: a run decides how many there are. */
const maxEntries = 1_000
/**
 * Makes the folders of a workspace usable again, before each run. A run has their owner, so that it can close and
 * replace everything in its home, and close, but not replace, what is above it (threat R2).
 */
export function repairHome({ path, key, home, temporary }: Workspace): void {
  const homes = dirname(home)
  openOwn(dirname(homes))
  for (const folder of [homes, home, dirname(temporary), temporary]) makeFolder(folder)
  // Owned by the user, who may want it to be read-only.
  openOwn(path, 0o500)
  const session = sessionFile(homes, key)
  replaceUnless(session, stats => stats.isFile())
  openOwn(session)
  const config = runConfig(home)
  makeFolder(config)
  openFoldersIn(config)
  // One for the transcripts of each working directory.
  const projects = join(config, 'projects')
  if (isFolder(projects)) openFoldersIn(projects)
}

/** Creates the folder, in place of everything else, and opens it to its owner. */
export function makeFolder(path: string): void {
  // A symlink would redirect our writes.
  replaceUnless(path, stats => stats.isDirectory())
  mkdirSync(path, { recursive: true, mode: folderMode })
  openOwn(path)
}

/**
 * Gives the owner of a file or folder, if that is us, the access that it needs. Does not follow a symlink.
 *
 * @param folderAccess permissions that a folder needs
 */
export function openOwn(path: string, folderAccess = folderMode): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (!stats || stats.isSymbolicLink() || stats.uid !== process.getuid?.()) return
  const needed = stats.isDirectory() ? folderAccess : fileMode
  if ((stats.mode & needed) !== needed) chmodSync(path, (stats.mode & 0o7777) | needed)
}

const isFolder = (path: string) =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Moves aside what is not of the expected kind. */
function replaceUnless(path: string, isExpected: (stats: Stats) => boolean): void {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats && !isExpected(stats)) putAside(path)
}

/** Keeps one earlier state. Removes the one before in the background: a run decides how much it is. */
export function putAside(path: string): void {
  const aside = `${path}.damaged`
  if (lstatSync(aside, { throwIfNoEntry: false })) {
    const old = `${aside}-${process.pid}-${process.hrtime.bigint()}`
    renameSync(aside, old)
    void removeInBackground([old])
  }
  renameSync(path, aside)
}

/** Opens the folders directly in a folder, up to a limit. */
function openFoldersIn(path: string): void {
  const folder = opendirSync(path)
  try {
    for (let left = maxEntries; left > 0; left--) {
      const entry = folder.readSync()
      if (!entry) return
      if (entry.isDirectory()) openOwn(join(path, entry.name))
    }
  } finally {
    folder.closeSync()
  }
}
