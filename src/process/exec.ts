import { type ChildProcess, spawn } from 'node:child_process'
import { Readable, type Writable } from 'node:stream'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import { createLineSplitter } from '../files/lines.ts'

export type ExecOptions = {
  /** Working directory. Default: `/`, never the caller's: the workspace is untrusted. */
  cwd?: string
  /** The child's complete environment. Default: ours. */
  env?: Record<string, string | undefined>
  /** Runs the child as this user, without our groups; only root can. */
  user?: { uid: number; gid: number } | null
  /** Written to the child's stdin, which is then closed. A stream that fails ends the child with its error. */
  input?: string | Uint8Array | Readable
  /** Called for each line of stdout or stderr while the child runs. */
  onLine?: (line: string) => void
  /**
   * Milliseconds until the child is terminated. Default: 2 minutes. With a streamed input: in which it takes
   * a piece, and in which it ends after the last one.
   */
  timeout?: number
  /** Bytes kept of stdout and of stderr. Larger stdout terminates the child. Default: 16 MiB. */
  limit?: number
  /** Milliseconds from SIGTERM to SIGKILL. Default: 5 seconds. */
  grace?: number
  signal?: AbortSignal
}

export type ExecResult = { code: number; stdout: string; stderr: string }

/** `onLine` gets longer lines truncated to this length. */
const lineBytes = 10_000

/**
 * Runs `file` with `args`, without a shell: hostile data stays one argument. Resolves with any exit
 * code; rejects when the program is missing, the timeout passes or `signal` fires.
 */
export function exec(file: string, args: readonly string[], options: ExecOptions = {}) {
  const { timeout = 120_000, limit = 16 * 1024 * 1024, grace, signal, input, user } = options
  return new Promise<ExecResult>((resolve, reject) => {
    signal?.throwIfAborted()
    const child = spawn(file, args, {
      cwd: options.cwd ?? '/',
      env: options.env as NodeJS.ProcessEnv | undefined,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(user && { uid: user.uid, gid: user.gid }),
    })
    let failure: Error | undefined
    const end = (reason: Error) => {
      failure ??= reason
      terminate(child, grace)
    }
    let timer: NodeJS.Timeout | undefined
    let closed = false
    const stopTimer = () => clearTimeout(timer)
    const startTimer = () => {
      stopTimer()
      // The input may go on for a moment: a timer that nothing stops would keep our process open.
      if (!closed) timer = setTimeout(() => end(notFinished(file, args, timeout)), timeout)
    }
    const abort = () => end(abortReason(signal))
    signal?.addEventListener('abort', abort, { once: true })

    const stdout = collect(child.stdout, limit, options.onLine, () =>
      end(
        new UserError(`${commandName(file, args)} printed more than ${limit} bytes`, {
          hint: 'report it as a bug, with the command that you ran',
        }),
      ),
    )
    const stderr = collect(child.stderr, limit, options.onLine, () => {})
    // The exit code decides about a child that closes its stdin early, not our broken pipe.
    child.stdin.on('error', () => {})
    if (input instanceof Readable) {
      // Its error is that of the loop that reads it.
      input.on('error', () => {})
      pour(input, child.stdin, { startTimer, stopTimer }).catch(error => {
        if (child.exitCode === null && child.signalCode === null) end(error)
      })
    } else {
      startTimer()
      child.stdin.end(input)
    }

    child.once('error', error => {
      failure ??= notStarted(file, error)
    })
    child.once('close', (code, childSignal) => {
      closed = true
      stopTimer()
      signal?.removeEventListener('abort', abort)
      if (input instanceof Readable) input.destroy()
      if (failure) reject(failure)
      else resolve({ code: code ?? signalExit(childSignal), stdout: stdout(), stderr: stderr() })
    })
  })
}

/** Like `exec`, but throws a `UserError` with the last line of stderr when the exit code is not 0. */
export async function execOk(file: string, args: readonly string[], options: ExecOptions = {}) {
  const result = await exec(file, args, options)
  if (result.code !== 0) throw failed(file, args, result)
  return result
}

function failed(file: string, args: readonly string[], result: ExecResult) {
  const last = lastLine(result.stderr)
  return new UserError(
    `${commandName(file, args)} failed with exit code ${result.code}${last && `: ${last}`}`,
    { hint: 'run it again with --verbose to see all output', cause: new Error(result.stderr) },
  )
}

function commandName(file: string, args: readonly string[]) {
  const words = args.filter(arg => !arg.startsWith('-') && !arg.includes('/')).slice(0, 2)
  return terminalLine([file, ...words].join(' '))
}

function notFinished(file: string, args: readonly string[], timeout: number) {
  return new UserError(`${commandName(file, args)} did not finish within ${timeout / 1000} s`, {
    hint: 'run it again with --verbose to see where it stops',
  })
}

function notStarted(file: string, error: Error) {
  return new UserError(`cannot run ${file}: ${error.message}`, {
    hint: `run ${command('setup')} to install it`,
    cause: error,
  })
}

function abortReason(signal: AbortSignal | undefined) {
  return signal?.reason instanceof Error ? signal.reason : new Error('aborted')
}

/** Sends SIGTERM, and SIGKILL after 5 s, so that no child outlives its caller's wait. */
export function terminate(child: ChildProcess, graceMilliseconds = 5_000) {
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), graceMilliseconds)
  child.once('close', () => clearTimeout(killer))
}

function signalExit(signal: NodeJS.Signals | null) {
  return signal === 'SIGINT' ? 130 : signal === 'SIGKILL' ? 137 : 143
}

/** Gives a stream to the child. The time in which the source has nothing to give does not count. */
async function pour(
  input: Readable,
  stdin: Writable,
  { startTimer, stopTimer }: { startTimer: () => void; stopTimer: () => void },
) {
  const closed = new Promise<void>(resolve => stdin.once('close', resolve))
  for await (const chunk of input) {
    startTimer()
    const hasRoom = stdin.write(chunk)
    if (!hasRoom) {
      await Promise.race([new Promise<void>(resolve => stdin.once('drain', resolve)), closed])
    }
    if (stdin.destroyed) return
    stopTimer()
  }
  startTimer()
  stdin.end()
}

function collect(
  stream: Readable,
  limit: number,
  onLine: ((line: string) => void) | undefined,
  onOverflow: () => void,
) {
  const chunks: Buffer[] = []
  let size = 0
  const lines = createLineSplitter(lineBytes, { lossy: true })
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) return onOverflow()
    chunks.push(chunk)
    if (!onLine) return
    for (const line of lines.push(chunk)) onLine(line.text)
  })
  return () => Buffer.concat(chunks).toString()
}
