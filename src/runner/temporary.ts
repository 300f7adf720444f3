import { spawn } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** TMPDIR of compose.yaml: beside the home's own files, where programs can be executed. */
export const temporaryFolder = '/home/claude/.tmp'

/** Makes unreadable folders readable first, at any depth; does not follow symlinks. */
const removal = String.raw`find "$@" -type d ! -perm -u=rwx -execdir chmod u+rwx {} \;
rm -rf -- "$@"`

/**
 * Empties the folder when its container starts: unlike a tmpfs it outlives the container. Renames the old
 * content and removes it in the background, because the agent decides how much it is. Resolves when the
 * removal has ended; the folder is empty at once.
 */
export function emptyTemporary(folder = temporaryFolder): Promise<void> {
  try {
    return removeInBackground(renew(folder))
  } catch {
    // A full disk or a damaged home must not keep the container from starting.
    return Promise.resolve()
  }
}

/** Replaces the folder by an empty one; returns what is to be removed. */
function renew(folder: string): string[] {
  const parent = dirname(folder)
  const prefix = `${basename(folder)}.old-`
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    renameSync(folder, join(parent, `${prefix}${process.pid}-${Date.now()}`))
  } else {
    // A symlink or a file in its place.
    rmSync(folder, { force: true })
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Includes what an earlier removal did not finish.
  return readdirSync(parent)
    .filter(name => name.startsWith(prefix))
    .map(name => join(parent, name))
}

/** Removes files and folders, also closed ones, in a process of its own. Does not follow symlinks. */
export function removeInBackground(paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return Promise.resolve()
  const child = spawn('/bin/sh', ['-c', removal, 'sh', ...paths], {
    stdio: 'ignore',
    detached: true,
  })
  child.unref()
  return new Promise(resolve => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
}
