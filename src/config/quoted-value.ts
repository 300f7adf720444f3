/** Maximum characters of a value that a person is shown. */
const limit = 300

/** Quotes a value for a person who approves it: no character of it is invisible or begins a line. */
export function quotedValue(value: string): string {
  const more = value.length - limit
  const escaped = JSON.stringify(value.slice(0, limit)).replace(
    /[^\x20-\x7e]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return more > 0 ? `${escaped} and ${more} more characters` : escaped
}
