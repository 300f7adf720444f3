import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { openRegularFile } from './regular-file.ts'

/** A line of a byte stream, or the reason why it has no text. */
export type WholeLine = { kind: 'line'; text: string }
export type Line =
  | WholeLine
  | { kind: 'too-long'; bytes: number }
  | { kind: 'not-utf8'; bytes: number }

type Splitter<L> = {
  /** Yields the lines that end in these bytes. */
  push: (chunk: Buffer) => Generator<L>
  /** Yields the rest after the last newline, once the stream has ended. */
  end: () => Generator<L>
}

const newline = 0x0a
const initialBytes = 64 * 1024

/**
 * Cuts bytes into lines and never keeps more than `most` bytes. Drops a longer line while it arrives and
 * reports its length at its end. With `lossy`, cuts such a line and replaces bytes that are not UTF-8.
 */
export function createLineSplitter(most: number): Splitter<Line>
export function createLineSplitter(most: number, options: { lossy: true }): Splitter<WholeLine>
export function createLineSplitter(most: number, { lossy = false } = {}): Splitter<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  // Doubles its size when full, so that a line that arrives byte by byte is not copied each time.
  let kept = Buffer.alloc(initialBytes)
  let length = 0

  const keep = (bytes: Buffer) => {
    const from = length
    length += bytes.length
    const wanted = Math.min(length, most)
    if (from >= most || bytes.length === 0 || (length > most && !lossy)) return
    if (wanted > kept.length) {
      const larger = Buffer.alloc(Math.min(most, Math.max(wanted, kept.length * 2)))
      kept.copy(larger, 0, 0, from)
      kept = larger
    }
    bytes.copy(kept, from, 0, wanted - from)
  }
  const take = (): Line => {
    const bytes = length
    const line = kept.subarray(0, Math.min(bytes, most, kept.length))
    length = 0
    if (kept.length > initialBytes) kept = Buffer.alloc(initialBytes)
    if (lossy) return { kind: 'line', text: line.toString() }
    if (bytes > most) return { kind: 'too-long', bytes }
    try {
      return { kind: 'line', text: decoder.decode(line) }
    } catch {
      return { kind: 'not-utf8', bytes }
    }
  }

  return {
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
    *end(): Generator<Line> {
      if (length > 0) yield take()
    },
  }
}

/** Yields the lines of a byte stream; null for one that is longer than `most` bytes or not UTF-8. */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  most: number,
): AsyncGenerator<string | null> {
  const splitter = createLineSplitter(most)
  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) yield line.kind === 'line' ? line.text : null
  }
  for (const line of splitter.end()) yield line.kind === 'line' ? line.text : null
}

const pollMilliseconds = 200

/**
 * Yields the bytes of a file while another process appends to it, until `whole` resolves to true or the
 * signal fires. A missing file counts as empty.
 */
export async function* readGrowing(
  path: string,
  { whole, signal }: { whole: () => Promise<boolean>; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  let position = 0
  while (!signal.aborted) {
    // Checked before reading, so that the last read gets everything written before the end.
    const last = await whole()
    for await (const chunk of readFrom(path, position)) {
      position += chunk.length
      yield chunk
    }
    if (last) return
    await sleep(pollMilliseconds, undefined, { signal }).catch(() => {})
  }
}

/** Streams a regular file from a position; nothing when it is missing. */
export async function* readFrom(path: string, start: number): AsyncGenerator<Buffer> {
  const opened = await openRegularFile(path)
  if (opened.kind === 'missing') return
  if (opened.kind !== 'open') {
    throw new UserError(`${terminalLine(path)} is not a regular file`, {
      hint: 'remove it, and run the command again',
    })
  }
  yield* opened.file.createReadStream({ start })
}
