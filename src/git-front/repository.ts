import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'

export type Answer = { code: number; stdout: string }
/** Asks the real git, with the options before the command of the user's call. */
export type AskGit = (args: readonly string[], input?: string) => Answer

/** Maximum bytes of an answer: a longer one counts as unknown. */
const answerBytes = 64 * 1024 * 1024
const timeout = 120_000

export const realGit = '/usr/bin/git'

export function createAskGit(globals: readonly string[], file = realGit): AskGit {
  return (args, input = '') => {
    const { status, stdout, error } = spawnSync(
      file,
      [...globals, '--no-optional-locks', ...args],
      {
        input,
        encoding: 'utf8',
        timeout,
        maxBuffer: answerBytes,
        // Untranslated, because `git clean` has no other form of its answer.
        env: { ...process.env, LC_ALL: 'C', GIT_PAGER: 'cat' },
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    )
    if (error) throw error
    return { code: status ?? 1, stdout }
  }
}

/** The repository of a call, and the protected paths in it. */
export type Repository = ReturnType<typeof createRepository>

/**
 * Answers which protected paths differ. `paths` are relative to the top of the working tree, `prefix` is
 * the current folder in it: empty, or with `/` at its end.
 */
export function createRepository(
  ask: AskGit,
  { top, prefix, paths }: { top: string; prefix: string; paths: readonly string[] },
) {
  const isProtected = (path: string) =>
    paths.some(protectedPath => path === protectedPath || path.startsWith(`${protectedPath}/`))
  const atTop = (args: readonly string[], input?: string) =>
    ask(['-C', top, '--literal-pathspecs', ...args], input)
  const lines = ({ stdout }: Answer) => stdout.split('\n').filter(Boolean)
  const names = ({ stdout }: Answer) => [...new Set(stdout.split('\0').filter(Boolean))].sort()
  const resolve = (name: string): string | null => {
    const revision = name === '-' ? '@{-1}' : name
    const { code, stdout } = ask(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`])
    return code === 0 ? stdout.trim() : null
  }

  return {
    ask,
    top,
    prefix,
    paths,
    isProtected,
    resolve,
    head: () => resolve('HEAD'),

    /** Returns protected files that differ between two commits or trees. */
    changed: (from: string, to: string) =>
      from === to
        ? []
        : names(
            atTop([
              ...'diff-tree -r --no-renames --name-only -z'.split(' '),
              from,
              to,
              '--',
              ...paths,
            ]),
          ),

    /** Returns protected files that these commits change against one of their parents. */
    changedBy: (commits: readonly string[]) =>
      commits.length === 0
        ? []
        : names(
            atTop(
              [
                ...'diff-tree --stdin -r -m --root --no-renames --name-only --no-commit-id -z'.split(
                  ' ',
                ),
                '--',
                ...paths,
              ],
              `${commits.join('\n')}\n`,
            ),
          ),

    /** Returns the commits that `rev-list` selects by these arguments. */
    commits: (...args: string[]) => lines(ask(['rev-list', ...args])),

    /** Returns commits in a range, except merges, that change a protected file. */
    touching: (...range: string[]) =>
      lines(atTop(['rev-list', '--full-history', '--no-merges', ...range, '--', ...paths])),

    /**
     * Returns protected files of the working tree that differ from `revision`, or from the index when it
     * is null, among those that the user's pathspecs select.
     */
    differing: (revision: string | null, pathspecs: readonly string[] = [], filter?: string) => {
      const args = [
        ...'diff --name-only -z --no-renames --no-ext-diff --no-textconv --no-relative'.split(' '),
        '--ignore-submodules=all',
        ...(filter ? [`--diff-filter=${filter}`] : []),
        ...(revision === null ? [] : [revision]),
        '--',
      ]
      const answer =
        pathspecs.length > 0 ? ask([...args, ...pathspecs]) : atTop([...args, ...paths])
      return names(answer).filter(isProtected)
    },

    /** Returns protected files that git does not track, with or without ignored ones. */
    untracked: (ignored: boolean, pathspecs: readonly string[] = []) => {
      const standard = ignored ? [] : ['--exclude-standard']
      const args = ['ls-files', '-z', '--full-name', '--others', ...standard, '--']
      const answer =
        pathspecs.length > 0 ? ask([...args, ...pathspecs]) : atTop([...args, ...paths])
      return names(answer).filter(isProtected)
    },

    /** Returns protected files that git tracks. */
    tracked: () => names(atTop(['ls-files', '-z', '--', ...paths])),

    mergeBase: (...commits: string[]) => lines(ask(['merge-base', ...commits]))[0] ?? null,

    /** Returns the only remote branch of this name, which `git switch NAME` would create a branch from. */
    remoteBranch: (name: string) => {
      const refs = lines(ask(['for-each-ref', '--format=%(refname)', 'refs/remotes']))
      const found = refs.filter(ref => ref.split('/').slice(3).join('/') === name)
      return found.length === 1 ? (found[0] ?? null) : null
    },

    /** Returns a file of the repository's own folder; null when it is missing. */
    ownFile: (name: string) => {
      const path = ask(['rev-parse', '--path-format=absolute', '--git-path', name]).stdout.trim()
      try {
        return readFileSync(path, 'utf8')
      } catch {
        return null
      }
    },

    setting: (name: string) => {
      const { code, stdout } = ask(['config', '--get', name])
      return code === 0 ? stdout.trim() : null
    },
  }
}

/** Returns the protected paths that are below `top`, relative to it. */
export function pathsBelow(top: string, workspace: string, paths: readonly string[]): string[] {
  return paths
    .map(path => relative(top, join(workspace, path)))
    .filter(path => path !== '' && path !== '..' && !path.startsWith('../') && !isAbsolute(path))
}
