import { Duplex, pipeline, Transform } from 'node:stream'
import { withoutAnnouncement } from './announcement.ts'
import { exitStatus, startContainerExec } from './container-exec.ts'
import type { EngineAddress } from './engine-request.ts'
import { type OutputOptions, resizeExec, sizeOf, type TerminalSize } from './terminal-exec.ts'

/** A command on a terminal that is elsewhere, such as in a page. */
export type TerminalStream = {
  /** Reads are the command's output, writes are keys. Destroying it hangs up. */
  stream: Duplex
  resize: (size: TerminalSize) => void
  /** Waits up to 1 s for the exit status. Call it once the stream has closed. */
  exitStatus: () => Promise<number>
}

/**
 * Runs a prepared command on a terminal that is not this process's, with backpressure in both directions. The
 * stream fails when the answer to an announcement does.
 *
 * @param options `clean`: what becomes of each chunk of the output
 */
export async function openTerminalStream(
  address: EngineAddress,
  id: string,
  size: TerminalSize,
  options: Omit<OutputOptions, 'exitMilliseconds'> = {},
): Promise<TerminalStream> {
  const { announcement, clean = chunk => chunk } = options
  const terminal = { Tty: true, ConsoleSize: sizeOf(size) }
  const { socket, first } = await startContainerExec(address, id, terminal)
  const output = new Transform({
    transform: (chunk: Buffer, _encoding, done) => done(null, clean(chunk)),
  })
  const fail = (error: unknown) =>
    void output.destroy(error instanceof Error ? error : new Error(String(error)))
  output.write(await withoutAnnouncement(socket, first, announcement, fail))
  // A failure of the socket reaches the reader through `output`.
  pipeline(socket, output, () => {})
  return {
    stream: Duplex.from({ readable: output, writable: socket }),
    resize: size => resizeExec(address, id, size),
    exitStatus: () => exitStatus(address, id, 1_000),
  }
}
