import * as z from 'zod'
import { isWithin } from '../../files/beneath.ts'
import { type Pattern, parsePattern, parsePatterns } from './pattern.ts'

/** All rules for leaving files out of a copy, in the form stored beside the copy. */
export const IgnoreRules = z.strictObject({
  /** --exclude and COPY_EXCLUDE: they override all others, and `!` includes ignored files. */
  excludes: z.array(z.string()),
  /** Contents of .gitignore and info/exclude; of two for one folder, the first has precedence. */
  files: z.array(
    z.strictObject({
      /** The folder below which its patterns apply, relative to the workspace. */
      folder: z.string(),
      /** Prefix of the paths that it judges, when the file is above the workspace: `packages/app/`. */
      prefix: z.string(),
      text: z.string(),
    }),
  ),
  /** Folders with a repository of their own: rules from above do not apply inside. */
  repositories: z.array(z.string()),
  /** The user's own list (core.excludesFile), for every repository. */
  user: z.string(),
})
export type IgnoreRules = z.infer<typeof IgnoreRules>

export const noIgnoreRules: IgnoreRules = { excludes: [], files: [], repositories: [], user: '' }

/**
 * `in` and `out` follow from the ignore files; `excluded` and `wanted` from the user's own patterns, which
 * also decide for everything below.
 */
export type Judgement = 'in' | 'out' | 'excluded' | 'wanted'

/** Judges single paths. Callers judge a folder before its contents, and skip those when it is out. */
export function createIgnoreRules(initial: IgnoreRules) {
  const rules = { ...initial, files: [...initial.files], repositories: [...initial.repositories] }
  const excludes = rules.excludes.map(parsePattern).filter(pattern => pattern !== null)
  const user = parsePatterns(rules.user)
  const byFolder = new Map<string, { prefix: string; patterns: Pattern[] }[]>()
  const remember = ({ folder, prefix, text }: IgnoreRules['files'][number]) => {
    const known = byFolder.get(folder) ?? []
    known.push({ prefix, patterns: parsePatterns(text) })
    byFolder.set(folder, known)
  }
  rules.files.forEach(remember)
  const repositories = new Set(rules.repositories)

  const judge = (path: string, isFolder: boolean): Judgement => {
    const said = lastMatch(excludes, path, isFolder)
    if (said) return said.negated ? 'wanted' : 'excluded'
    // Git never ignores its own files.
    if (/(^|\/)\.git(\/|$)/.test(path)) return 'in'
    let folder = path
    do {
      folder = folder.slice(0, Math.max(folder.lastIndexOf('/'), 0))
      const inside = folder === '' ? path : path.slice(folder.length + 1)
      for (const { prefix, patterns } of byFolder.get(folder) ?? []) {
        const match = lastMatch(patterns, prefix + inside, isFolder)
        if (match) return match.negated ? 'in' : 'out'
      }
    } while (folder !== '' && !repositories.has(folder))
    const match = lastMatch(user, path, isFolder)
    return match && !match.negated ? 'out' : 'in'
  }

  return {
    rules,
    judge,
    addFile(file: IgnoreRules['files'][number]) {
      rules.files.push(file)
      remember(file)
    },
    addRepository(folder: string) {
      rules.repositories.push(folder)
      repositories.add(folder)
    },
    /** Returns whether a `!` of --exclude names something inside an ignored folder. */
    mayBeWantedBelow: (folder: string) =>
      excludes.some(({ negated, below }) => negated && isWithin(folder, below)),
    /** Returns whether a file is left out, by itself or with one of its folders. */
    isLeftOut(path: string): boolean {
      const parts = path.split('/')
      let out = false
      for (let depth = 1; depth <= parts.length; depth++) {
        const judgement = judge(parts.slice(0, depth).join('/'), depth < parts.length)
        if (judgement === 'excluded') return true
        if (judgement === 'wanted') return false
        out ||= judgement === 'out'
      }
      return out
    },
  }
}
export type IgnoreJudge = ReturnType<typeof createIgnoreRules>

function lastMatch(patterns: readonly Pattern[], path: string, isFolder: boolean) {
  return patterns.findLast(pattern => pattern.matches(path, isFolder))
}
