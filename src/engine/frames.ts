import { createLineSplitter } from '../files/lines.ts'

const headerBytes = 8
/** Longer lines are cut: a container must not fill our memory. */
const lineBytes = 64 * 1024

export type FrameStream = 'stdout' | 'stderr'
type Frame = { stream: FrameStream; payload: Buffer }

/**
 * Splits the output of a container without a terminal: frames of an 8-byte header (stream 1 or 2, three
 * zero bytes, big-endian length) and a payload, in chunks cut anywhere. Yields the pieces of a payload as
 * they arrive, so it never keeps more than a header.
 * https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
 */
export function createFrameReader() {
  let header: Buffer = Buffer.alloc(0)
  let remaining = 0
  let stream: FrameStream = 'stdout'
  return function* push(chunk: Buffer): Generator<Frame> {
    let rest = chunk
    while (rest.length > 0) {
      if (remaining === 0) {
        const missing = headerBytes - header.length
        header = Buffer.concat([header, rest.subarray(0, missing)])
        rest = rest.subarray(missing)
        if (header.length < headerBytes) return
        stream = header[0] === 2 ? 'stderr' : 'stdout'
        remaining = header.readUInt32BE(4)
        header = Buffer.alloc(0)
      }
      const payload = rest.subarray(0, remaining)
      remaining -= payload.length
      rest = rest.subarray(payload.length)
      if (payload.length > 0) yield { stream, payload }
    }
  }
}

/** Yields standard output as it arrives, and passes standard error to `onStderr`. */
export async function* splitStreams(
  chunks: AsyncIterable<Buffer>,
  onStderr: (chunk: Buffer) => void,
): AsyncGenerator<Buffer> {
  const frames = createFrameReader()
  for await (const chunk of chunks) {
    for (const { stream, payload } of frames(chunk)) {
      if (stream === 'stderr') onStderr(payload)
      else yield payload
    }
  }
}

/** Calls `onLine` for each line of both streams; `end` passes on the rest after the last newline. */
export function createFrameLines(onLine: (line: string, stream: FrameStream) => void) {
  const frames = createFrameReader()
  const splitters = {
    stdout: createLineSplitter(lineBytes, { lossy: true }),
    stderr: createLineSplitter(lineBytes, { lossy: true }),
  }
  return {
    write(chunk: Buffer) {
      for (const { stream, payload } of frames(chunk)) {
        for (const line of splitters[stream].push(payload)) onLine(line.text, stream)
      }
    },
    end() {
      for (const stream of ['stdout', 'stderr'] as const) {
        for (const line of splitters[stream].end()) onLine(line.text, stream)
      }
    },
  }
}
