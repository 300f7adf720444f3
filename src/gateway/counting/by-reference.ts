import { parseJson } from '../../base/json.ts'
import { endOfPlain } from './json-members.ts'

const quote = 0x22
const colon = 0x3a
const backslash = 0x5c

/** Longest text of a wanted string, each character written as an escape. */
const limit = 256

/**
 * Types of parts whose content the origin fetches or makes and charges as input: documents and images by address
 * or file, tools that it runs itself, servers that it asks.
 */
const fetched =
  /^(url|file|container_upload|mcp_toolset|(web_search|web_fetch|code_execution)_\d+)$/

/**
 * Finds whether a JSON text that arrives in chunks has such a part: a member `type` with one of these values, at
 * any depth. Does not validate the rest.
 */
export function createReferenceFinder() {
  /** The current string while it can be a wanted one; null outside of strings and for longer ones. */
  let text: string | null = null
  let inString = false
  let escaped = false
  let before: 'type' | 'type:' | 'else' = 'else'
  let found = false

  const endString = () => {
    inString = false
    const value = text === null ? null : stringOf(text)
    if (before === 'type:' && value !== null && fetched.test(value)) found = true
    before = before !== 'type:' && value === 'type' ? 'type' : 'else'
  }
  return {
    write(chunk: Uint8Array): void {
      for (let at = 0; at < chunk.length; at++) {
        if (inString && text === null && !escaped) at = endOfPlain(chunk, at)
        const byte = chunk[at] ?? 0
        if (inString) {
          if (!escaped && byte === quote) {
            endString()
            continue
          }
          escaped = !escaped && byte === backslash
          if (text !== null) text = text.length < limit ? text + String.fromCharCode(byte) : null
        } else if (byte === quote) {
          inString = true
          text = ''
        } else if (byte === colon) before = before === 'type' ? 'type:' : 'else'
        // White space may stand between the three.
        else if (byte > 0x20) before = 'else'
        // JSON in UTF-16 or UTF-32, which some readers take.
        else if (byte === 0) found = true
      }
    },
    found: () => found,
  }
}

function stringOf(text: string): string | null {
  if (!text.includes('\\')) return text
  const value = parseJson(`"${text}"`)
  return typeof value === 'string' ? value : null
}
