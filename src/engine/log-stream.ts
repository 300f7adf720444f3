const headerBytes = 8
/** A longer line is cut: a container must not make us hold what it likes. */
const lineLimit = 64 * 1024

type Stream = 'stdout' | 'stderr'

/**
 * Takes apart the engine's log stream: frames of an 8-byte header (stream 1 or 2, three zero bytes,
 * big-endian length) and a payload, split anywhere.
 * https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
 */
export function createLogDemuxer(onLine: (line: string, stream: Stream) => void) {
  let pending: Buffer = Buffer.alloc(0)
  let remaining = 0
  let stream: Stream = 'stdout'
  const partial = { stdout: '', stderr: '' }

  const take = (text: string) => {
    const lines = (partial[stream] + text).split('\n')
    partial[stream] = (lines.pop() ?? '').slice(0, lineLimit)
    for (const line of lines) onLine(line.slice(0, lineLimit), stream)
  }

  return {
    write(chunk: Buffer) {
      pending = pending.length > 0 ? Buffer.concat([pending, chunk]) : chunk
      for (;;) {
        if (remaining === 0) {
          if (pending.length < headerBytes) return
          stream = pending[0] === 2 ? 'stderr' : 'stdout'
          remaining = pending.readUInt32BE(4)
          pending = pending.subarray(headerBytes)
        }
        if (pending.length === 0) return
        const payload = pending.subarray(0, remaining)
        remaining -= payload.length
        pending = pending.subarray(payload.length)
        take(payload.toString())
      }
    },
    end() {
      for (const name of ['stdout', 'stderr'] as const) {
        if (partial[name] !== '') onLine(partial[name], name)
      }
    },
  }
}
