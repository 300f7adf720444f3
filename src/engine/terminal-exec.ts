import { type Announcement, withoutAnnouncement } from './announcement.ts'
import {
  type ContainerExec,
  createContainerExec,
  exitStatus,
  startContainerExec,
} from './container-exec.ts'
import { bodyText, type EngineAddress, enginePost } from './engine-request.ts'

export type TerminalExec = ContainerExec & {
  env: readonly string[]
  /** `uid:gid`; the container's own user when null. */
  user: string | null
}

/** The user's terminal. */
export type TerminalEnds = { input: NodeJS.ReadStream; output: NodeJS.WriteStream }

export type OutputOptions = {
  announcement?: Announcement
  clean?: (chunk: Buffer) => Buffer
  /** For tests: milliseconds in which the engine learns of the exit after the end of the output. */
  exitMilliseconds?: number
}

const idleMilliseconds = 30_000

/** Replaces the engine's own detach keys, which would hold back every Ctrl-P, by two that no one types. */
const detachKeys = 'ctrl-@,ctrl-_'

/** A terminal's characters; a terminal that does not say has 24 rows of 80. */
export type TerminalSize = { rows?: number; columns?: number }

/** Returns rows and columns, as the engine takes them. */
export const sizeOf = (terminal: TerminalSize) => [terminal.rows || 24, terminal.columns || 80]

/** Prepares a command on a terminal like `output`, and does not start it; resolves with its id. */
export function createExec(
  address: EngineAddress,
  exec: TerminalExec,
  output: TerminalSize,
): Promise<string> {
  const terminal = {
    Tty: true,
    DetachKeys: detachKeys,
    ConsoleSize: sizeOf(output),
    Env: exec.env,
    ...(exec.user !== null && { User: exec.user }),
  }
  return createContainerExec(address, exec, terminal)
}

/**
 * Runs a prepared command on this terminal, and resolves with its exit status. Speaks to the engine
 * directly: starting the docker program would be a quarter of the time to the first byte. Rejects, and
 * hangs up, when the answer to an announcement fails.
 *
 * @param clean what becomes of each chunk of the output
 */
export async function startExec(
  address: EngineAddress,
  id: string,
  { input, output }: TerminalEnds,
  { announcement, clean = chunk => chunk, exitMilliseconds }: OutputOptions = {},
): Promise<number> {
  const terminal = { Tty: true, ConsoleSize: sizeOf(output) }
  const { socket, first } = await startContainerExec(address, id, terminal)
  const resize = () => resizeExec(address, id, output)
  // A shell that continues this process with fg has put the terminal into its own mode.
  const continued = () => {
    input.setRawMode(false)
    input.setRawMode(true)
    resize()
  }
  // The command goes on then, and there is no status to wait for.
  let left = false
  const hangUp = () => {
    left = true
    socket.destroy()
  }
  const closed = new Promise<void>(resolve => {
    // A broken connection closes the command's terminal too; its exit status shows what happened.
    socket
      .once('error', () => resolve())
      .once('close', () => resolve())
      .once('end', () => resolve())
  })
  input.setRawMode(true)
  input.on('end', hangUp)
  output.on('resize', resize)
  process.once('SIGHUP', hangUp).once('SIGTERM', hangUp).on('SIGCONT', continued)
  let failure: unknown
  const fail = (error: unknown) => {
    failure = error
    socket.destroy()
  }
  try {
    input.pipe(socket)
    output.write(clean(await withoutAnnouncement(socket, first, announcement, fail)))
    socket.on('data', (chunk: Buffer) => {
      if (output.write(clean(chunk))) return
      socket.pause()
      output.once('drain', () => socket.resume())
    })
    socket.resume()
    await closed
  } finally {
    process.off('SIGHUP', hangUp).off('SIGTERM', hangUp).off('SIGCONT', continued)
    output.off('resize', resize)
    input.off('end', hangUp)
    input.unpipe(socket)
    socket.destroy()
    input.setRawMode(false)
    input.pause()
  }
  if (failure !== undefined) throw failure
  return exitStatus(address, id, left ? 1_000 : exitMilliseconds)
}

/** Gives a command's terminal another size. */
export function resizeExec(address: EngineAddress, id: string, terminal: TerminalSize): void {
  const [rows, columns] = sizeOf(terminal)
  // A resize that arrives after the command ended may fail.
  enginePost(address, `/exec/${id}/resize?h=${rows}&w=${columns}`, {}, { idleMilliseconds })
    .then(({ body }) => bodyText(body))
    .catch(() => {})
}
