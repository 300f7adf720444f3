import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { expiryOf } from './list-entries.ts'

/** A directive of squid.conf: its words, and its first line, counted from 1. */
export type Directive = {
  line: number
  words: string[]
  /** When its names expire: the time in the comment `# until …` behind them. */
  until?: string
}

/**
 * Parses the directives of a squid.conf as Squid reads them: without comments, continued lines joined.
 * Throws for a directive that brings in text from elsewhere: the policy must be in this file.
 */
export function parseSquidConf(text: string, path = 'proxy/squid.conf'): Directive[] {
  const directives: Directive[] = []
  let pending: Directive | undefined
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '')
    const continues = line.endsWith('\\')
    const words = wordsOf(continues ? line.slice(0, -1) : line)
    pending ??= { line: index + 1, words: [] }
    pending.words.push(...words)
    const until = expiryOf(line)
    if (until !== undefined) {
      // Refuses the same as proxy/expiry: a time that only one of the two can read would not expire.
      if (until === null || continues || pending.line !== index + 1 || !isList(pending.words)) {
        throw squidConfError({ path, text }, index + 1, untilReason, untilHint)
      }
      pending.until = until
    }
    if (continues) continue
    if (pending.words.length > 0) directives.push(pending)
    pending = undefined
  }
  if (pending)
    throw squidConfError({ path, text }, pending.line, 'the last line ends with a backslash')
  for (const { line, words } of directives) {
    if (/^(include|if|elif|else|endif)$/.test(words[0] ?? '')) {
      throw squidConfError(
        { path, text },
        line,
        `${words[0]} is not supported: the whole policy must be in this file`,
      )
    }
  }
  return directives
}

function wordsOf(line: string) {
  const words: string[] = []
  for (const word of line.split(/\s+/)) {
    if (word.startsWith('#')) break
    if (word) words.push(word)
  }
  return words
}

/** Includes the user's own lists; on any other directive an expiry would have no effect. */
function isList([keyword, name = '', type, option]: readonly string[]) {
  return keyword === 'acl' && name.endsWith('_sites') && type === 'dstdomain' && option === '-n'
}

const untilReason = '`# until` needs a list and a time'
const untilHint =
  'write: acl allowed_sites dstdomain -n api.github.com # until 2026-11-21T18:00:00Z'

/** Builds an error that shows the offending line, made safe for a terminal. */
export function squidConfError(
  { path, text }: { path: string; text: string },
  line: number,
  reason: string,
  hint = 'write one line per name: acl allowed_sites dstdomain -n api.github.com',
) {
  const written = terminalLine(text.split('\n')[line - 1]?.trim() ?? '', 100)
  return new UserError(`${path} line ${line}: ${reason}: ${written}`, { hint })
}
