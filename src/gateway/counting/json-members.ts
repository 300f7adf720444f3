import { parseJson } from '../../base/json.ts'

const quote = 0x22
const backslash = 0x5c

/**
 * Picks some top-level members out of a JSON object that arrives in chunks. Keeps only their texts, up
 * to a limit, because an answer may be many megabytes. Does not validate the rest of the JSON: the
 * caller validates the texts by parsing them.
 */
export class JsonMembers {
  /** JSON texts of the members found so far; the last member of a name wins. */
  readonly found = new Map<string, string>()
  /** True if a wanted member was longer than the limit. */
  tooLong = false
  /** True once the object was closed. */
  complete = false
  readonly #wanted: ReadonlySet<string>
  readonly #limit: number
  readonly #onFound: ((name: string, text: string) => void) | undefined
  #depth = 0
  #inString = false
  #escaped = false
  #isKey = false
  /** The current key, or the text of a wanted value; null while nothing is kept. */
  #text: string | null = null
  #key: string | null = null

  constructor(
    wanted: readonly string[],
    options: { limit?: number; onFound?: (name: string, text: string) => void } = {},
  ) {
    this.#wanted = new Set(wanted)
    this.#limit = options.limit ?? 64 * 1024
    this.#onFound = options.onFound
  }

  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at++) {
      if (this.#inString && this.#text === null && !this.#escaped) at = endOfPlain(chunk, at)
      this.#byte(chunk[at] ?? 0)
    }
  }

  #byte(byte: number): void {
    if (this.#inString) {
      this.#keep(byte)
      if (this.#escaped) this.#escaped = false
      else if (byte === backslash) this.#escaped = true
      else if (byte === quote) this.#endString()
      return
    }
    switch (byte) {
      case quote:
        this.#inString = true
        if (this.#depth === 1 && this.#key === null) {
          this.#isKey = true
          this.#text = ''
        }
        this.#keep(byte)
        return
      case 0x7b: // {
      case 0x5b: // [
        this.#depth++
        this.#keep(byte)
        return
      case 0x7d: // }
      case 0x5d: // ]
        if (this.#depth === 1) {
          this.#endMember()
          this.complete = true
        } else this.#keep(byte)
        this.#depth = Math.max(0, this.#depth - 1)
        return
      case 0x2c: // ,
        if (this.#depth === 1) this.#endMember()
        else this.#keep(byte)
        return
      case 0x3a: // :
        if (this.#depth === 1) this.#text = this.#wanted.has(this.#key ?? '') ? '' : null
        else this.#keep(byte)
        return
      default:
        this.#keep(byte)
    }
  }

  #endString(): void {
    this.#inString = false
    if (!this.#isKey) return
    this.#isKey = false
    this.#key = plainKey(this.#text ?? '')
    this.#text = null
  }

  #endMember(): void {
    if (this.#key !== null && this.#text !== null) {
      this.found.set(this.#key, this.#text)
      this.#onFound?.(this.#key, this.#text)
    }
    this.#key = null
    this.#text = null
  }

  #keep(byte: number): void {
    if (this.#text === null) return
    if (this.#text.length < this.#limit) this.#text += String.fromCharCode(byte)
    else {
      this.tooLong ||= !this.#isKey
      this.#text = null
    }
  }
}

/** Returns a key without its quotes; `"max\\u005ftokens"` is `max_tokens` to every other reader. */
function plainKey(text: string): string {
  const value = text.includes('\\') ? parseJson(text) : null
  return typeof value === 'string' ? value : text.slice(1, -1)
}

/** Returns the offset of the next byte with a meaning inside a string, or of the last byte. */
export function endOfPlain(chunk: Uint8Array, from: number): number {
  const last = chunk.length - 1
  let at = from
  while (at < last && chunk[at] !== quote && chunk[at] !== backslash) at++
  return at
}
