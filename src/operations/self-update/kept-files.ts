import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { Git } from './git.ts'

/** Whether a local change of this file is meant: people edit it, or `update` writes it. */
export function isKept(path: string): boolean {
  return ['proxy/squid.conf', 'pins.json'].includes(path) || path.startsWith('additions/')
}

/** A file that was changed here and by the new version, before and after the merge of both. */
export type MergedFile = { path: string; mine: string; merged: string; mode: number }

/** Merges the local changes with those of the new version. Writes nothing; throws for a conflict. */
export async function mergeKept(
  git: Git,
  root: string,
  changed: readonly string[],
  target: string,
): Promise<MergedFile[]> {
  const files: MergedFile[] = []
  for (const path of changed) {
    const theirs = await git.ask('rev-parse', '--verify', '--quiet', `${target}:${path}`)
    const base = await git.ask('rev-parse', '--verify', '--quiet', `HEAD:${path}`)
    if (theirs === base) continue
    if (theirs === null || base === null) throw conflict(root, path)
    files.push(await mergeOne(git, root, path, target))
  }
  return files
}

async function mergeOne(git: Git, root: string, path: string, target: string): Promise<MergedFile> {
  const file = join(root, path)
  const { mode } = await stat(file).catch(() => {
    throw conflict(root, path)
  })
  const mine = await readFile(file, 'utf8')
  const hint = 'check the repository with git fsck'
  const show = (commit: string) =>
    git.need(`cannot read ${path}`, hint, 'show', `${commit}:${path}`)
  const folder = await mkdtemp(join(tmpdir(), 'claude-secure-merge-'))
  try {
    const parts = { mine, base: await show('HEAD'), theirs: await show(target) }
    for (const [name, text] of Object.entries(parts)) await writeFile(join(folder, name), text)
    const names = ['mine', 'base', 'theirs'].map(name => join(folder, name))
    const { code, stdout } = await git.call(['merge-file', '-p', '--', ...names])
    if (code !== 0) throw conflict(root, path)
    return { path, mine, merged: stdout, mode: mode & 0o777 }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function conflict(root: string, path: string) {
  return new UserError(`${terminalLine(path)} was changed here and in the new version`, {
    hint: `save your change elsewhere, run git checkout HEAD -- ${terminalLine(path)} in ${terminalLine(root, 300)}, update, and make it again`,
  })
}

/** Writes one version of the merged files. */
export async function writeKept(
  root: string,
  files: readonly MergedFile[],
  version: 'mine' | 'merged',
): Promise<void> {
  for (const file of files) {
    await replaceFile(join(root, file.path), file[version], { mode: file.mode })
  }
}
