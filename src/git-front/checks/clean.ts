import { lstatSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseOptions } from '../command-line.ts'
import type { Repository } from '../repository.ts'
import { type Check, pass, refuseIf } from '../verdict.ts'

/** Returns the protected paths that are empty folders: placeholders, which git need not see. */
export function emptyFolders({ top, paths }: Pick<Repository, 'top' | 'paths'>): string[] {
  return paths.filter(path => {
    const status = lstatSync(join(top, path), { throwIfNoEntry: false })
    return status?.isDirectory() && isEmpty(join(top, path))
  })
}

function isEmpty(path: string) {
  try {
    return readdirSync(path).length === 0
  } catch {
    return false
  }
}

/** Renders ignore patterns that match exactly these folders. */
export function ignorePatterns(paths: readonly string[]): string[] {
  return paths.map(path => `/${path.replace(/[\\*?[\]!# ]/g, '\\$&')}/`)
}

/** Lets `git clean` leave empty placeholders out, and refuses when it would remove protected files. */
export const checkClean: Check = (repository, args) => {
  const options = parseOptions(args, '-e --exclude')
  const placeholders = emptyFolders(repository)
  // With -X, a pattern would select files instead of excluding them; empty folders are never selected.
  const only = options.has('-X')
  const patterns = only ? [] : ignorePatterns(placeholders).flatMap(pattern => ['-e', pattern])
  const { paths, isProtected } = repository
  const removed = wouldRemove(repository, [...patterns, ...withoutInteraction(args)])
  const changes = removed.filter(
    path => isProtected(path) || paths.some(protectedPath => protectedPath.startsWith(`${path}/`)),
  )
  if (changes.length > 0) {
    const [example = ''] = changes
    return refuseIf(changes, only ? undefined : `keep these paths, as in -e /${example}`)
  }
  if (patterns.length === 0) return pass
  return { kind: 'run', globals: [], args: ['clean', ...patterns, ...args], excludes: [] }
}

/** Keeps `git clean -n` from waiting for input or hiding its answer. */
function withoutInteraction(args: readonly string[]) {
  const end = args.indexOf('--')
  return args.flatMap((arg, index) => {
    if (end >= 0 && index >= end) return [arg]
    if (/^--(int|qui)/.test(arg)) return []
    if (!/^-[a-zA-Z]+$/.test(arg) || arg.startsWith('-e')) return [arg]
    const kept = arg.replace(/[iq]/g, '')
    return kept === '-' ? [] : [kept]
  })
}

/** Returns paths, relative to the top, that `git clean` would remove. Names with quotes are unescaped. */
function wouldRemove({ ask, prefix }: Repository, args: readonly string[]): string[] {
  const { stdout } = ask(['-c', 'core.quotePath=false', 'clean', '--dry-run', ...args])
  return stdout.split('\n').flatMap(line => {
    const name = /^Would remove (.*)$/.exec(line)?.[1]
    return name === undefined ? [] : [posix.join(prefix, unquoted(name)).replace(/\/$/, '')]
  })
}

function unquoted(name: string): string {
  if (!name.startsWith('"')) return name
  try {
    return JSON.parse(name)
  } catch {
    // Escapes that JSON lacks are those of control characters.
    return name.slice(1, -1)
  }
}

/** `git rm` records files as deleted that it cannot remove. */
export const checkRemove: Check = (repository, args) => {
  const options = parseOptions(args, '--pathspec-from-file')
  if (options.has('--cached', '-n', '--dry-run')) return pass
  const pathspecs = [...options.words, ...(options.paths ?? [])]
  const { stdout } = repository.ask(['ls-files', '--full-name', '-z', '--', ...pathspecs])
  return refuseIf(stdout.split('\0').filter(repository.isProtected))
}
