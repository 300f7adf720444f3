import { mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
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

/** Maximum number of files in one message. */
const filesShown = 5

/** The branch that a checkout follows. */
export type Followed = { remote: string; upstream: string }

/** Returns the branch that this checkout follows; throws when there is none to fast-forward to. */
export async function followedBranch(git: Git, root: string): Promise<Followed> {
  const top = await git.ask('rev-parse', '--show-toplevel')
  if (top === null || (await realpath(top)) !== (await realpath(root))) {
    throw new UserError(`${terminalLine(root, 300)} is not a git checkout`, {
      hint: 'replace the folder with a clone of the repository; keep .env, proxy/squid.conf and additions',
    })
  }
  const branch = await git.ask('symbolic-ref', '--quiet', '--short', 'HEAD')
  if (branch === null) {
    throw new UserError(`${terminalLine(root, 300)} is at a commit and on no branch`, {
      hint: 'run git switch main there, then update again',
    })
  }
  const upstream = await git.ask('rev-parse', '--abbrev-ref', '--symbolic-full-name', '@{upstream}')
  const remote = await git.ask('config', '--get', `branch.${branch}.remote`)
  if (upstream === null || remote === null) {
    throw new UserError(`the branch ${terminalLine(branch, 100)} follows no other branch`, {
      hint: 'run git branch --set-upstream-to=origin/main there, then update again',
    })
  }
  return { remote, upstream }
}

/**
 * Returns the changed files that an update keeps; throws for changes of any other file. Untracked files do
 * not count: git itself refuses to overwrite one.
 */
export async function keptChanges(git: Git, root: string): Promise<string[]> {
  const hint = `run git status in ${terminalLine(root, 300)}`
  const changed = await git.need(
    'cannot read the state of the checkout',
    hint,
    ...['diff', '--name-only', '--no-renames', '--no-ext-diff', '-z', 'HEAD', '--'],
  )
  const files = changed.split('\0').filter(Boolean)
  const others = files.filter(file => !isKept(file))
  if (others.length === 0) return files
  const shown = others.slice(0, filesShown).map(file => terminalLine(file, 100))
  const more = others.length > filesShown ? ` and ${others.length - filesShown} more` : ''
  throw new UserError(`the checkout has local changes: ${shown.join(', ')}${more}`, {
    hint: `commit them to a branch of your own, or undo them with git checkout HEAD -- FILE in ${terminalLine(root, 300)}`,
  })
}
