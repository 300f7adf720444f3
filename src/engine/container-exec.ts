import { Duplex } from 'node:stream'
import { until } from '../base/async.ts'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import {
  bodyText,
  type EngineAddress,
  type EngineAnswer,
  engineGet,
  enginePost,
  engineUpgrade,
} from './engine-request.ts'
import { createFrameReader, splitStreams } from './frames.ts'

/** A command to run in a container. */
export type ContainerExec = {
  container: string
  command: readonly string[]
  workingDirectory: string
}

/** The engine does not know the container: it was removed. */
export class ContainerGone extends UserError {}

const idleMilliseconds = 30_000
/** The engine answers after the start, which takes long on a busy machine. */
const startMilliseconds = 60_000
/** The engine learns of an exit some time after the streams have ended. */
const exitMilliseconds = 10_000

/** Prepares a command with all its streams attached, and does not start it; resolves with its id. */
export async function createContainerExec(
  address: EngineAddress,
  { container, command, workingDirectory }: ContainerExec,
  terminal: object = { Tty: false },
): Promise<string> {
  const created = await enginePost(
    address,
    `/containers/${encodeURIComponent(container)}/exec`,
    {
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      ...terminal,
      Cmd: command,
      WorkingDir: workingDirectory,
    },
    { idleMilliseconds },
  )
  return parseId(await json(created, 201))
}

/** Starts a prepared command; returns its connection and the bytes that came with the engine's answer. */
export function startContainerExec(
  address: EngineAddress,
  id: string,
  terminal: object = { Tty: false },
) {
  return engineUpgrade(address, `/exec/${id}/start`, { Detach: false, ...terminal })
}

/** Prepares a command without any stream, and does not start it; resolves with its id. */
export function prepareDetached(
  address: EngineAddress,
  exec: ContainerExec,
  env: readonly string[],
): Promise<string> {
  const attached = { AttachStdin: false, AttachStdout: false, AttachStderr: false }
  return createContainerExec(address, exec, { ...attached, Tty: false, Env: env })
}

/** Starts a prepared command without streams; it outlives this process. */
export async function startDetached(address: EngineAddress, id: string): Promise<void> {
  const start = { Detach: true, Tty: false }
  const { status, body } = await enginePost(address, `/exec/${id}/start`, start, {
    idleMilliseconds: startMilliseconds,
  })
  const answer = await bodyText(body)
  if (status === 200) return
  throw new UserError(`the container engine answered ${status} to the start of a command`, {
    hint: `check whether the stack is up: ${command('status')}`,
    cause: new Error(answer),
  })
}

/** Waits up to 1 s for the exit status, which the engine knows shortly after the streams closed. */
export async function exitStatus(
  address: EngineAddress,
  id: string,
  timeout = exitMilliseconds,
): Promise<number> {
  const ended = async () => {
    const answer = await engineGet(address, `/exec/${id}/json`, { idleMilliseconds })
    // Gone with its container: ended as by SIGKILL.
    if (answer.status === 404) return 137
    return parseExitCode(await json(answer, 200))
  }
  // 129: the terminal closed, and the command still runs.
  return (await until(ended, { every: 50, timeout })) ?? 129
}

// Parsed by hand: loading a schema library would double what a session loads before its first byte.
function parseId(answer: unknown): string {
  const id = typeof answer === 'object' && answer && 'Id' in answer ? answer.Id : null
  if (typeof id === 'string' && /^[0-9a-f]+$/.test(id)) return id
  throw new Error('the container engine returned an exec without an id')
}

/** Null while the command runs. */
function parseExitCode(answer: unknown): number | null {
  const code = typeof answer === 'object' && answer && 'ExitCode' in answer ? answer.ExitCode : null
  return typeof code === 'number' ? code : null
}

async function json({ status, body }: EngineAnswer, expected: number): Promise<unknown> {
  const answer = await bodyText(body)
  if (status === expected) return JSON.parse(answer)
  const Failure = status === 404 ? ContainerGone : UserError
  throw new Failure(`the container engine answered ${status} to a command in the container`, {
    hint: `check whether the stack is up: ${command('status')}`,
    cause: new Error(answer),
  })
}

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

/** Maximum bytes kept of a command's standard error. */
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

/** A command in a container as one binary stream: writes reach its stdin, reads are its stdout. */
export type ExecDuplex = {
  stream: Duplex
  /** Returns the last bytes of its standard error. */
  stderr: () => string
}

/** Starts a command with backpressure in both directions. Destroying the stream closes the command's stdin. */
export async function openExecDuplex(
  address: EngineAddress,
  exec: ContainerExec,
): Promise<ExecDuplex> {
  const { socket, first } = await startContainerExec(
    address,
    await createContainerExec(address, exec),
  )
  const frames = createFrameReader()
  let stderr: Buffer = Buffer.alloc(0)
  const receive = (chunk: Buffer) => {
    let room = true
    for (const { stream: source, payload } of frames(chunk)) {
      if (source === 'stdout') room = stream.push(payload) && room
      else stderr = Buffer.concat([stderr, payload]).subarray(-stderrBytes)
    }
    if (!room) socket.pause()
  }
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    final: done => void socket.end(done),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket
    .on('data', receive)
    .once('end', () => stream.push(null))
    .once('error', error => stream.destroy(error))
    .once('close', () => stream.destroy())
  if (first.length > 0) receive(first)
  return { stream, stderr: () => stderr.toString() }
}
