import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { readRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { MergedFile } from './checkout-state.ts'
import type { Git } from './git.ts'

/** Maximum bytes of one kept file. */
const limit = 16 * 1024 * 1024

const savedFolder = (root: string, commit: string) => join(root, '.build/self-update', commit)

/**
 * Saves what the user's files become at either commit, outside of git's sight: an update that is killed leaves
 * the checkout at one of the two, with the files as git wrote them.
 */
export async function saveKept(
  root: string,
  files: readonly MergedFile[],
  { from, to }: { from: string; to: string },
): Promise<void> {
  for (const { path, mine, merged, mode } of files) {
    for (const [commit, text] of [
      [from, mine],
      [to, merged],
    ] as const) {
      const file = join(savedFolder(root, commit), path)
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await replaceFile(file, text, { mode, durable: true })
    }
  }
}

export async function forgetSaved(root: string): Promise<void> {
  await rm(savedFolder(root, ''), { recursive: true, force: true })
}

/** Writes the user's files of a killed update back, unless they were edited since. Returns their paths. */
export async function restoreSaved(git: Git, root: string, commit: string): Promise<string[]> {
  const folder = savedFolder(root, commit)
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const restored: string[] = []
  for (const entry of entries.filter(entry => entry.isFile())) {
    const saved = join(entry.parentPath, entry.name)
    const path = relative(folder, saved)
    const edited = (await git.call(['diff', '--quiet', 'HEAD', '--', path])).code !== 0
    const file = await readRegularFile(saved, { limit })
    if (edited || file.kind !== 'bytes') continue
    await replaceFile(join(root, path), file.bytes, { mode: file.stats.mode & 0o777 })
    restored.push(path)
  }
  return restored.sort()
}
