const newline = 0x0a
const lineBytes = 64 * 1024
/** Enough bytes to recognize the kind of a line. */
const headBytes = 64

const startOrDelta = /"type"\s*:\s*"message_(start|delta|stop)"/

const deltaName = 'event: content_block_delta\n'
/** The first bytes of nearly every event. */
const delta = Buffer.from(`${deltaName}data: {"type":"content_block_delta","index":`)

export interface EventLines {
  /** Receives the data of an event that reports usage, as text with one byte per character. */
  onData: (text: string) => void
  /** Receives the number of bytes of a data line that was skipped. */
  onSkipped: (bytes: number) => void
  onTooLong: () => void
}

/**
 * Picks the few lines with usage out of an event stream that arrives in chunks, and keeps nothing of
 * the others. A model's text cannot forge such a line: JSON strings contain no line breaks.
 */
export class EventLineReader {
  readonly #on: EventLines
  /** The kept part of the current line. */
  #text = ''
  #bytes = 0
  #kind: 'unknown' | 'data' | 'skipped' | 'other' = 'unknown'
  /** True if the `event:` line of the current event has a wanted name. */
  #named = false

  constructor(on: EventLines) {
    this.#on = on
  }

  write(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; ) {
      if (this.#bytes === 0) {
        if (chunk[from] === newline) {
          this.#named = false
          from++
          continue
        }
        if (beginsDelta(chunk, from)) {
          this.#named = false
          this.#kind = 'skipped'
          from += deltaName.length
        }
      }
      const end = chunk.indexOf(newline, from)
      this.#piece(chunk, from, end < 0 ? chunk.length : end)
      if (end < 0) return
      this.#endLine()
      from = end + 1
    }
  }

  #piece(chunk: Buffer, from: number, to: number): void {
    this.#bytes += to - from
    let at = from
    if (this.#kind === 'unknown') {
      at = this.#keep(chunk, from, to, headBytes)
      if (this.#text.length < headBytes) return
      this.#decide()
    }
    if (this.#kind === 'data' && this.#keep(chunk, at, to, lineBytes) < to) {
      this.#on.onTooLong()
      this.#kind = 'skipped'
    }
  }

  /** Appends as much as there is room for, and returns the offset where it stopped. */
  #keep(chunk: Buffer, from: number, to: number, room: number): number {
    const end = Math.min(to, from + room - this.#text.length)
    this.#text += chunk.toString('latin1', from, end)
    return end
  }

  #decide(): void {
    if (!this.#text.startsWith('data:')) this.#kind = 'other'
    else this.#kind = this.#named || startOrDelta.test(this.#text) ? 'data' : 'skipped'
  }

  #endLine(): void {
    if (this.#kind === 'unknown') this.#decide()
    if (this.#kind === 'data') this.#on.onData(this.#text.slice('data:'.length))
    else if (this.#kind === 'skipped') this.#on.onSkipped(this.#bytes)
    else if (this.#text.startsWith('event:')) {
      this.#named = /^event: ?message_(start|delta|stop)\r?$/.test(this.#text)
    } else if (this.#text === '' || this.#text === '\r') this.#named = false
    this.#text = ''
    this.#bytes = 0
    this.#kind = 'unknown'
  }
}

/**
 * Returns whether a delta event begins here, without decoding the bytes. The rest of the line's head
 * is too short for another type: the slow path would skip the line as well.
 */
function beginsDelta(chunk: Buffer, from: number): boolean {
  if (chunk.length - from < delta.length) return false
  for (let at = 0; at < delta.length; at++) if (chunk[from + at] !== delta[at]) return false
  return true
}
