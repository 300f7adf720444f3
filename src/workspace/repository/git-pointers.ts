import { realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { readRegularFile, textOf } from '../../files/regular-file.ts'

/** Maximum bytes of a file that holds one path. */
const limit = 8_192

/** Reads a file of one line, such as `HEAD` or `commondir`; null unless it is a small regular file. */
export async function readLine(path: string): Promise<string | null> {
  const text = textOf(
    await readRegularFile(path, { limit }).catch(() => ({ kind: 'missing' as const })),
  )
  const line = text?.replace(/[\r\n]+$/, '')
  return line === undefined || line === '' || /[\0\n]/.test(line) ? null : line
}

/** Returns the path that a `.git` file names, as written; null when it is not such a file. */
export async function readGitFile(path: string): Promise<string | null> {
  return /^gitdir: (.+)$/.exec((await readLine(path)) ?? '')?.[1] ?? null
}

/**
 * Returns whether the entry of a linked worktree names the folder back. A program that can write only the
 * folder cannot make another repository do that.
 */
export async function namesWorktree(entry: string, folder: string): Promise<boolean> {
  const named = await readLine(join(entry, 'gitdir'))
  if (named === null) return false
  const path = resolve(entry, named)
  return basename(path) === '.git' && (await sameFolder(dirname(path), folder))
}

/** Returns whether `path` leads to the folder, a real path. */
export async function sameFolder(path: string, folder: string): Promise<boolean> {
  return (await realpath(path).catch(() => null)) === folder
}
