import {
  type ContainerExec,
  createContainerExec,
  exitStatus,
  startContainerExec,
} from './container-exec.ts'
import type { EngineAddress } from './engine-request.ts'
import { splitStreams } from './frames.ts'

/** A command in a container, on streams instead of a terminal. */
export type ExecStream = {
  /** Its standard output. Reading slowly slows the command down. */
  stdout: AsyncIterable<Buffer>
  /** Returns the last 4 KiB of its standard error. */
  stderr: () => string
  write: (text: string) => void
  /** Closes its standard input; its output continues. */
  end: () => void
  /** Closes the connection: its standard input ends, and nothing more is read. */
  destroy: () => void
  exitStatus: () => Promise<number>
}

const stderrBytes = 4 * 1024

/** Prepares a command and does not start it; resolves with its id. */
export function prepareExec(address: EngineAddress, exec: ContainerExec): Promise<string> {
  return createContainerExec(address, exec)
}

/** Starts a prepared command. */
export async function startExecStream(address: EngineAddress, id: string): Promise<ExecStream> {
  const { socket, first } = await startContainerExec(address, id)
  let stderr = Buffer.alloc(0)
  return {
    stdout: splitStreams(withFirst(first, socket), chunk => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-stderrBytes)
    }),
    stderr: () => stderr.toString(),
    write: text => void socket.write(text),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    exitStatus: () => exitStatus(address, id),
  }
}

async function* withFirst(first: Buffer, rest: AsyncIterable<Buffer>) {
  if (first.length > 0) yield first
  yield* rest
}
