import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const env = {
  PATH: process.env.PATH,
  ...{ HOME: '/nowhere', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
  ...{ GIT_AUTHOR_NAME: 'Ada', GIT_AUTHOR_EMAIL: 'ada@example.com' },
  ...{ GIT_COMMITTER_NAME: 'Ada', GIT_COMMITTER_EMAIL: 'ada@example.com' },
}

/** Runs git without any configuration but the repository's, and returns its trimmed output. */
export function runGit(folder: string, ...args: string[]): string {
  const settings = ['-c', 'gc.auto=0', '-c', 'core.hooksPath=/dev/null']
  return execFileSync('git', ['-C', folder, ...settings, ...args], { env, stdio: 'pipe' })
    .toString()
    .trim()
}

/** Commits an empty change on top of `parent`, and returns its id. */
export function commitOn(folder: string, parent: string | null, message: string): string {
  const tree = runGit(folder, 'mktree', '--missing')
  const parents = parent === null ? [] : ['-p', parent]
  return runGit(folder, 'commit-tree', tree, '-m', message, ...parents)
}

/**
 * Makes a bare repository `ada/tools.git` with a commit on `main`, and a clone `work` with a commit of a
 * session on top of it, below `folder`.
 */
export function makeRepositories(folder: string, format: 'sha1' | 'sha256' = 'sha1') {
  const bare = join(folder, 'ada/tools.git')
  const work = join(folder, 'work')
  mkdirSync(bare, { recursive: true })
  const init = [
    'init',
    '--quiet',
    '--template=',
    '--initial-branch=main',
    `--object-format=${format}`,
  ]
  runGit(bare, ...init, '--bare')
  runGit(bare, 'config', 'http.receivepack', 'true')
  const first = commitOn(bare, null, 'the first')
  runGit(bare, 'update-ref', 'refs/heads/main', first)
  runGit(folder, 'clone', '--quiet', '--template=', bare, work)
  const commit = commitOn(work, first, 'of the session')
  runGit(work, 'update-ref', 'refs/claude/session/branch', commit)
  return { bare, work, gitDir: join(work, '.git'), first, commit }
}

/** Writes a program that leaves a file `fired-NAME`, and returns its path. */
export function canary(folder: string, name: string): string {
  const path = join(folder, `canary-${name}`)
  writeFileSync(path, `#!/bin/sh\n: > '${folder}/fired-${name}'\n`, { mode: 0o755 })
  return path
}
