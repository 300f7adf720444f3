type Token =
  | { kind: 'star' }
  | { kind: 'any' }
  | { kind: 'literal'; value: string }
  | { kind: 'class'; negated: boolean; has: (character: string) => boolean }

/** One part of a pattern, between two slashes; null when git would match nothing with it. */
export type Glob = readonly Token[] | null

const posixClasses: Record<string, RegExp> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  digit: /[0-9]/,
  lower: /[a-z]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /\s/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

export function parseGlob(pattern: string): Glob {
  const tokens: Token[] = []
  const characters = [...pattern]
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? ''
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' })
    } else if (character === '?') tokens.push({ kind: 'any' })
    else if (character === '[') {
      const found = parseClass(characters, at + 1)
      if (!found) return null
      tokens.push(found.token)
      at = found.end
    } else if (character === '\\') {
      at++
      const escaped = characters[at]
      if (escaped === undefined) return null
      tokens.push({ kind: 'literal', value: escaped })
    } else tokens.push({ kind: 'literal', value: character })
  }
  return tokens
}

/** Parses a class from `at`, behind the opening bracket; `end` is the index of the closing one. */
function parseClass(characters: readonly string[], at: number) {
  const tests: ((character: string) => boolean)[] = []
  const negated = characters[at] === '!' || characters[at] === '^'
  const first = negated ? at + 1 : at
  for (let index = first; index < characters.length; index++) {
    const character = characters[index] ?? ''
    if (character === ']' && index > first) {
      const has = (one: string) => tests.some(test => test(one))
      return { token: { kind: 'class' as const, negated, has }, end: index }
    }
    if (character === '[' && characters[index + 1] === ':') {
      const name = /^\[:([a-z]+):\]/.exec(characters.slice(index, index + 12).join(''))?.[1]
      const known = name === undefined ? undefined : posixClasses[name]
      if (name === undefined || !known) return null
      tests.push(one => known.test(one))
      index += name.length + 3
      continue
    }
    const low = character === '\\' ? characters[++index] : character
    if (low === undefined) return null
    if (characters[index + 1] === '-' && ![undefined, ']'].includes(characters[index + 2])) {
      index += 2
      const high = characters[index] === '\\' ? characters[++index] : characters[index]
      if (high === undefined) return null
      tests.push(one => low <= one && one <= high)
    } else tests.push(one => one === low)
  }
  return null
}

/**
 * Returns whether the whole of `text` matches, in time of at most the product of both lengths: patterns
 * come from the workspace, and a regular expression for `*a*a*a*b` has no such bound.
 */
export function matchGlob(glob: Glob, text: string): boolean {
  if (!glob) return false
  const characters = [...text]
  return matchSequence(
    glob,
    characters,
    token => token.kind === 'star',
    (token, character) => {
      if (token.kind === 'literal') return token.value === character
      if (token.kind === 'class') return token.has(character) !== token.negated
      return true
    },
  )
}

/** Matches items against a pattern whose stars match any number of items: retries only the last star. */
export function matchSequence<P, T>(
  pattern: readonly P[],
  items: readonly T[],
  isStar: (part: P) => boolean,
  matches: (part: P, item: T) => boolean,
): boolean {
  let at = 0
  let star = -1
  let resume = 0
  for (let item = 0; item < items.length; ) {
    const part = pattern[at]
    if (part !== undefined && isStar(part)) {
      star = at++
      resume = item
    } else if (part !== undefined && matches(part, items[item] as T)) {
      at++
      item++
    } else if (star >= 0) {
      at = star + 1
      item = ++resume
    } else return false
  }
  return pattern.slice(at).every(isStar)
}

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
