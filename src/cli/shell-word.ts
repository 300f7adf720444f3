/** Returns the text as one word of any shell; null where quoting differs between shells. */
export function shellWord(text: string): string | null {
  if (/^[\w/.+-]+$/.test(text)) return text
  return /^[\w/.+ -]+$/.test(text) ? `'${text}'` : null
}

/** Returns the text as one word of a POSIX shell. */
export function posixWord(text: string): string {
  return shellWord(text) ?? `'${text.replaceAll("'", "'\\''")}'`
}
