/** A line of git's protocol: its bytes without the length, or the end of a list. */
export type Packet = { kind: 'line'; bytes: Buffer } | { kind: 'flush' }

/** The most bytes of a line, with the length before it. */
const largest = 65520

/** The end of a list. */
export const flush = Buffer.from('0000')

/** Renders a line. A text is in UTF-8. */
export function packetLine(content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string)
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

/** Renders the lines with which a list of refs begins over HTTP. */
export function serviceLines(service: string): Buffer {
  return Buffer.concat([packetLine(`# service=${service}\n`), flush])
}

/** The error of bytes that are not lines of git's protocol. */
export class MalformedPacket extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'MalformedPacket'
  }
}

/**
 * Reads lines from chunks that may begin and end anywhere. `read` returns the next line, or null until
 * its last byte was written; `rest` returns what follows the lines that were read.
 *
 * @throws MalformedPacket for a length that is not one, or more than `most` bytes that were not read.
 */
export function createPacketReader(most: number) {
  let held: Buffer = Buffer.alloc(0)
  return {
    write(chunk: Buffer) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    },
    read(): Packet | null {
      if (held.length < 4) return null
      const digits = held.toString('latin1', 0, 4)
      // Number() and parseInt() would take signs, spaces and 0x.
      if (!/^[0-9a-f]{4}$/i.test(digits)) throw new MalformedPacket('a length is not a number')
      const length = Number.parseInt(digits, 16)
      if (length === 0) {
        held = held.subarray(4)
        return { kind: 'flush' }
      }
      // 1 and 2 are the delimiters of version 2, which pushes do not have.
      if (length < 4 || length > largest) throw new MalformedPacket('a length is out of range')
      if (held.length < length) {
        if (held.length > most) throw new MalformedPacket(`more than ${most} bytes`)
        return null
      }
      const bytes = held.subarray(4, length)
      held = held.subarray(length)
      return { kind: 'line', bytes }
    },
    /** Returns all bytes after the last line that was read, and forgets them. */
    rest(): Buffer {
      const bytes = held
      held = Buffer.alloc(0)
      return bytes
    },
  }
}
