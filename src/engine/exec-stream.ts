import { type EngineAddress, enginePost, engineUpgrade } from './engine-request.ts'
import { execId, exitStatus } from './exec-answers.ts'
import { splitStreams } from './frames.ts'

export type StreamExec = { container: string; command: readonly string[]; workingDirectory: string }

/** A command in a container, on streams instead of a terminal. */
export type ExecStream = {
  /** Its standard output. Reading slowly slows the command down. */
  stdout: AsyncIterable<Buffer>
  /** The last of its standard error. */
  stderr: () => string
  write: (text: string) => void
  /** Closes its standard input; its output goes on. */
  end: () => void
  /** Lets go of it: its standard input is closed, and nothing more is read. */
  destroy: () => void
  exitStatus: () => Promise<number>
}

const timeoutMilliseconds = 10_000
const stderrBytes = 4 * 1024

/** Prepares a command, and starts nothing yet; resolves with its id. */
export async function prepareExec(address: EngineAddress, exec: StreamExec): Promise<string> {
  const created = await enginePost(
    address,
    `/containers/${encodeURIComponent(exec.container)}/exec`,
    {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
      Cmd: exec.command,
      WorkingDir: exec.workingDirectory,
    },
    { idleMilliseconds: timeoutMilliseconds },
  )
  return execId(created)
}

/** Starts a prepared command. */
export async function startExecStream(address: EngineAddress, id: string): Promise<ExecStream> {
  const body = { Detach: false, Tty: false }
  const { socket, first } = await engineUpgrade(address, `/exec/${id}/start`, body)
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
