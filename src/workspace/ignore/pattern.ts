import { type Glob, matchGlob, matchSequence, parseGlob } from './glob.ts'

/** One line of a .gitignore. */
export type Pattern = {
  /** Includes files again that an earlier line left out. */
  negated: boolean
  /** The folder below which it can match, from its literal beginning; empty for anywhere. */
  below: string
  matches: (path: string, isFolder: boolean) => boolean
}

/** A part of a path, or `**` for any number of them. */
type Part = { kind: 'parts' } | { kind: 'part'; glob: Glob }

/** Parses the patterns of a file in gitignore syntax, in order. */
export function parsePatterns(text: string): Pattern[] {
  return text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map(line => parsePattern(line.replace(/\r$/, '')))
    .filter(pattern => pattern !== null)
}

/** Parses one line; null for comments and empty lines. */
export function parsePattern(line: string): Pattern | null {
  if (line.startsWith('#')) return null
  const trimmed = trimSpaces(line)
  const negated = trimmed.startsWith('!')
  const whole = negated ? trimmed.slice(1) : trimmed
  const foldersOnly = whole.endsWith('/')
  const body = foldersOnly ? whole.slice(0, -1) : whole
  if (body === '') return null
  const fits = body.includes('/') ? pathMatcher(body) : nameMatcher(body)
  return {
    negated,
    below: literalFolder(body),
    matches: (path, isFolder) => (isFolder || !foldersOnly) && fits(path),
  }
}

/** Removes trailing spaces, unless the first of them is escaped. */
function trimSpaces(line: string): string {
  let end = 0
  for (let at = 0; at < line.length; at++) {
    if (line[at] === '\\') at++
    else if (line[at] === ' ') continue
    end = at + 1
  }
  return line.slice(0, end)
}

/** Matches a pattern without a slash against the last part of a path, at any depth. */
function nameMatcher(body: string) {
  const name = (path: string) => path.slice(path.lastIndexOf('/') + 1)
  if (!/[*?[\\]/.test(body)) return (path: string) => name(path) === body
  const glob = parseGlob(body)
  return (path: string) => matchGlob(glob, name(path))
}

/** Matches a pattern with a slash against the path relative to the file's folder. */
function pathMatcher(body: string) {
  const names = body.replace(/^\//, '').split('/')
  const parts = names.flatMap((name, index): Part[] => {
    if (name !== '**') return [{ kind: 'part', glob: parseGlob(name) }]
    // A trailing `**` matches everything inside, so at least one part.
    const last = index === names.length - 1
    return [...(last ? [{ kind: 'part' as const, glob: parseGlob('*') }] : []), { kind: 'parts' }]
  })
  return (path: string) =>
    matchSequence(
      parts,
      path.split('/'),
      part => part.kind === 'parts',
      (part, name) => part.kind === 'part' && matchGlob(part.glob, name),
    )
}

function literalFolder(body: string) {
  const parts = body.replace(/^\//, '').split('/')
  const special = parts.findIndex(part => /[*?[\\]/.test(part))
  return (special < 0 ? parts.slice(0, -1) : parts.slice(0, special)).join('/')
}
