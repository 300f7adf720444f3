import { bodyText, type EngineAddress, enginePost, engineUpgrade } from './engine-request.ts'
import { execId, exitStatus } from './exec-answers.ts'

export type TerminalExec = {
  container: string
  command: readonly string[]
  workingDirectory: string
  env: readonly string[]
}

/** The two ends that a person sits at. */
export type TerminalEnds = { input: NodeJS.ReadStream; output: NodeJS.WriteStream }

const timeoutMilliseconds = 10_000

/** The engine's own detach keys would hold back every Ctrl-P; these two nobody types. */
const detachKeys = 'ctrl-@,ctrl-_'

const size = (output: NodeJS.WriteStream) => [output.rows || 24, output.columns || 80]

/** Prepares a command on a terminal like `output`, and starts nothing yet; resolves with its id. */
export async function createExec(
  address: EngineAddress,
  exec: TerminalExec,
  output: NodeJS.WriteStream,
): Promise<string> {
  const created = await enginePost(
    address,
    `/containers/${encodeURIComponent(exec.container)}/exec`,
    {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: true,
      DetachKeys: detachKeys,
      ConsoleSize: size(output),
      Cmd: exec.command,
      Env: exec.env,
      WorkingDir: exec.workingDirectory,
    },
    { idleMilliseconds: timeoutMilliseconds },
  )
  return execId(created)
}

/**
 * Runs a prepared command on this terminal, and resolves with its exit status. Straight through the
 * engine: the docker program, which does the same, takes a quarter of the time to the first byte.
 */
export async function startExec(
  address: EngineAddress,
  id: string,
  { input, output }: TerminalEnds,
): Promise<number> {
  const { socket, first } = await engineUpgrade(address, `/exec/${id}/start`, {
    Detach: false,
    Tty: true,
    ConsoleSize: size(output),
  })
  const resize = () => {
    const [rows, columns] = size(output)
    // A resize that arrives after the command ended may fail.
    enginePost(
      address,
      `/exec/${id}/resize?h=${rows}&w=${columns}`,
      {},
      {
        idleMilliseconds: timeoutMilliseconds,
      },
    )
      .then(({ body }) => bodyText(body))
      .catch(() => {})
  }
  const hangUp = () => socket.destroy()
  const closed = new Promise<void>(resolve => {
    // A connection that breaks ends the command's terminal; its exit status says the rest.
    socket
      .once('error', () => resolve())
      .once('close', () => resolve())
      .once('end', () => resolve())
  })
  input.setRawMode(true)
  input.on('end', hangUp)
  output.on('resize', resize)
  process.once('SIGHUP', hangUp).once('SIGTERM', hangUp)
  try {
    output.write(first)
    socket.pipe(output, { end: false })
    input.pipe(socket)
    await closed
  } finally {
    process.off('SIGHUP', hangUp).off('SIGTERM', hangUp)
    output.off('resize', resize)
    input.off('end', hangUp)
    input.unpipe(socket)
    socket.destroy()
    input.setRawMode(false)
    input.pause()
  }
  return exitStatus(address, id)
}
