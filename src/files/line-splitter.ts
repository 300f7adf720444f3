/** One line of a stream of bytes, or why there is none. */
export type Line =
  | { kind: 'line'; text: string }
  | { kind: 'too-long'; bytes: number }
  | { kind: 'not-utf8'; bytes: number }

const newline = 0x0a
const initialBytes = 64 * 1024

/**
 * Cuts bytes into lines, of which it never keeps more than `most`. A line that is longer is dropped
 * while it comes, and its length told at its end.
 */
export function createLineSplitter(most: number) {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  // Grows by doubling, so that a line that comes byte by byte costs no more than one that comes at once.
  let kept = Buffer.alloc(initialBytes)
  let length = 0

  const keep = (bytes: Buffer) => {
    const from = length
    length += bytes.length
    if (length > most || bytes.length === 0) return
    if (length > kept.length) {
      const larger = Buffer.alloc(Math.min(most, Math.max(length, kept.length * 2)))
      kept.copy(larger, 0, 0, from)
      kept = larger
    }
    bytes.copy(kept, from)
  }
  const take = (): Line => {
    const bytes = length
    const line = kept.subarray(0, Math.min(bytes, kept.length))
    length = 0
    if (kept.length > initialBytes) kept = Buffer.alloc(initialBytes)
    if (bytes > most) return { kind: 'too-long', bytes }
    try {
      return { kind: 'line', text: decoder.decode(line) }
    } catch {
      return { kind: 'not-utf8', bytes }
    }
  }

  return {
    /** The lines that are complete with these bytes. */
    *push(chunk: Buffer): Generator<Line> {
      let start = 0
      for (;;) {
        const end = chunk.indexOf(newline, start)
        if (end < 0) break
        keep(chunk.subarray(start, end))
        start = end + 1
        yield take()
      }
      keep(chunk.subarray(start))
    },
    /** What came after the last newline, when the stream has ended. */
    *end(): Generator<Line> {
      if (length > 0) yield take()
    },
  }
}
