// biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** The marks of `command`: hostile text must not name one of our commands. */
const marks = /[\ue000\ue001]/g

/**
 * Invisible characters: a compiler or a model reads them, a person does not see them.
 * Excludes the ones that scripts and emoji need.
 */
const unseen =
  /[\u00ad\u115f\u1160\u180e\u200b\u2028\u2029\u2060-\u2064\u3164\ufeff\uffa0]|[\u{e0000}-\u{e01ef}]/gu

/** Bytes of file names that are not UTF-8, as `nameOfBytes` decodes them. */
const bytes = /(?<![\ud800-\udbff])[\udc80-\udcff]/g

/** Shows such a byte as `\xE9`: a terminal cannot. */
function showBytes(text: string) {
  return text.replace(
    bytes,
    byte => `\\x${(byte.charCodeAt(0) - 0xdc00).toString(16).toUpperCase()}`,
  )
}

/**
 * Makes text from a container, a workspace or a model safe for a terminal: removes escape sequences,
 * control characters (except newline and tab) and bidirectional overrides, so that hostile output
 * cannot retitle a window, write the clipboard or display other words than it contains (threat N17).
 * Also removes the marks of `command`: render them first.
 */
export function terminalText(text: string): string {
  return showBytes(text.replace(escapes, '').replace(controls, '').replace(marks, ''))
}

/** Like `terminalText`, on one line and at most `limit` characters. */
export function terminalLine(text: string, limit = 200): string {
  const line = terminalText(text).replace(/[\n\t]+/g, ' ')
  return line.length > limit ? `${line.slice(0, limit - 1)}…` : line
}

/** Returns the last line of a program's output as `terminalLine` does; empty without output. */
export function lastLine(output: string, limit?: number): string {
  return terminalLine(output.trim().split('\n').at(-1) ?? '', limit)
}

/**
 * Like `terminalText`, but shows the characters instead of removing them: a user who reviews a change
 * must see hidden content. Keeps a carriage return that ends a line.
 */
export function visibleText(text: string): string {
  const seen = text.replace(unseen, character => codePoint(character.codePointAt(0) ?? 0))
  return showBytes(seen).replace(controls, (character, at: number) => {
    const code = character.charCodeAt(0)
    if (character === '\r' && (seen[at + 1] === '\n' || at + 1 === seen.length)) return '\r'
    if (code === 0x7f) return '^?'
    if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`
    return codePoint(code)
  })
}

function codePoint(code: number) {
  return `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
}

/**
 * Renders JSON that is safe to print on a terminal: it contains text of the agent, and plain JSON
 * escapes only some of the control characters that a terminal obeys.
 */
export function terminalJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(
    controls,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
