const newline = 0x0a
const lineBytes = 64 * 1024
/** Enough to see what a line is. */
const headBytes = 64

const startOrDelta = /"type"\s*:\s*"message_(start|delta|stop)"/

export interface EventLines {
  /** The data of an event that tells of usage, as text of one byte a character. */
  onData: (text: string) => void
  /** Bytes of a data line that was passed over. */
  onSkipped: (bytes: number) => void
  onTooLong: () => void
}

/**
 * Picks the few lines with usage out of an event stream that passes in pieces, and keeps nothing of
 * the others. A model's words cannot forge such a line: in JSON they have no line breaks.
 */
export class EventLineReader {
  readonly #on: EventLines
  /** Of the line so far, as far as it is kept. */
  #text = ''
  #bytes = 0
  #kind: 'unknown' | 'data' | 'other' = 'unknown'
  /** The current event is called so by its `event:` line. */
  #named = false

  constructor(on: EventLines) {
    this.#on = on
  }

  write(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; ) {
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
      this.#kind = 'other'
    }
  }

  /** Appends as much as there is room for, and says up to where that was. */
  #keep(chunk: Buffer, from: number, to: number, room: number): number {
    const end = Math.min(to, from + room - this.#text.length)
    this.#text += chunk.toString('latin1', from, end)
    return end
  }

  #decide(): void {
    const wanted = this.#text.startsWith('data:') && (this.#named || startOrDelta.test(this.#text))
    this.#kind = wanted ? 'data' : 'other'
  }

  #endLine(): void {
    if (this.#kind === 'unknown') this.#decide()
    if (this.#kind === 'data') this.#on.onData(this.#text.slice('data:'.length))
    else if (this.#text.startsWith('data:')) this.#on.onSkipped(this.#bytes)
    else if (this.#text.startsWith('event:')) {
      this.#named = /^event: ?message_(start|delta|stop)\r?$/.test(this.#text)
    } else if (this.#text === '' || this.#text === '\r') this.#named = false
    this.#text = ''
    this.#bytes = 0
    this.#kind = 'unknown'
  }
}
