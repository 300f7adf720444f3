import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { UserError } from '../base/errors.ts'
import { terminate } from './exec.ts'

export type CaptureOptions = {
  /** The child's complete environment. */
  env: Record<string, string | undefined>
  /** Working directory. Default: `/`. */
  cwd?: string
  /** Written to the child's stdin, which is then closed. A stream that fails ends the child with its error. */
  input?: Uint8Array | Readable | undefined
  /** Bytes kept of stdout. More ends the child, and the result is `truncated`. */
  limit: number
  /** Milliseconds until the child is terminated. Default: 2 minutes. */
  timeout?: number
  /** Runs the child as this user; only root can. */
  user?: { uid: number; gid: number } | null
  signal?: AbortSignal | undefined
}

/** Stdout is bytes: file names of a repository need not be UTF-8. */
export type Captured = { code: number; stdout: Buffer; stderr: string; truncated: boolean }

const stderrBytes = 64 * 1024

/**
 * Runs `file` with `args`, without a shell, and keeps the first `limit` bytes of its stdout. Resolves with any
 * exit code; rejects when the program is missing, the timeout passes, the input fails or `signal` fires.
 */
export function capture(
  file: string,
  args: readonly string[],
  { env, cwd = '/', input, limit, timeout = 120_000, user, signal }: CaptureOptions,
): Promise<Captured> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const child = spawn(file, args, { cwd, env, stdio: 'pipe', ...user })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let [kept, said, truncated] = [0, 0, false]
    let failure: unknown
    const end = (reason?: unknown) => {
      failure ??= reason
      terminate(child)
    }
    const timer = setTimeout(() => end(notFinished(file, args, timeout)), timeout)
    const abort = () => end(signal?.reason ?? new Error('aborted'))
    signal?.addEventListener('abort', abort, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      if (truncated) return
      const part = chunk.subarray(0, limit - kept)
      kept += part.length
      out.push(part)
      if (part.length === chunk.length) return
      truncated = true
      end()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, stderrBytes - said)
      said += part.length
      if (part.length > 0) err.push(part)
    })
    // The exit code decides about a child that closes its stdin early, not our broken pipe.
    child.stdin.on('error', () => {})
    if (input === undefined || input instanceof Uint8Array) child.stdin.end(input)
    else input.on('error', end).pipe(child.stdin)
    child.once('error', error => {
      failure ??= error
    })
    child.once('close', code => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      if (input && !(input instanceof Uint8Array)) input.destroy()
      if (failure !== undefined) return reject(failure)
      resolve({
        code: code ?? 143,
        stdout: Buffer.concat(out),
        stderr: Buffer.concat(err).toString(),
        truncated,
      })
    })
  })
}

function notFinished(file: string, args: readonly string[], timeout: number) {
  const word = args.find(arg => /^[a-z][a-z-]*$/.test(arg)) ?? ''
  return new UserError(`${file} ${word} did not finish within ${timeout / 1000} s`, {
    hint: 'run it again with --verbose to see where it stops',
  })
}
