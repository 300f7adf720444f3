import { Transform, type TransformCallback } from 'node:stream'

/** Limits of the gateway: no caller may occupy its memory or connections indefinitely. */
export interface Limits {
  /** Maximum request body in bytes. The Messages API itself accepts at most 32 MiB. */
  bodyBytes: number
  /** Maximum size of all request headers together, in bytes. */
  headerBytes: number
  /** Maximum number of requests in flight; a further one is answered with an overload error. */
  concurrentRequests: number
  /** Maximum number of git's requests in flight. */
  concurrentGit: number
  /** Maximum number of open connections; a further one is closed. */
  connections: number
  /** Timeout for a caller's request headers, so that half-open requests do not pile up. */
  receiveHeadersMilliseconds: number
  /** Timeout for a caller's whole request. */
  receiveMilliseconds: number
  /** Timeout of each step on the way to the origin: proxy connection, CONNECT, TLS. */
  connectMilliseconds: number
  /** Timeout for the origin's response headers. */
  headersMilliseconds: number
  /** Idle timeout of an answer. Longer than the 300 s after which Claude Code itself gives up. */
  idleMilliseconds: number
}

export const defaultLimits: Limits = {
  bodyBytes: 32 * 1024 * 1024,
  headerBytes: 32 * 1024,
  concurrentRequests: 64,
  concurrentGit: 8,
  connections: 256,
  receiveHeadersMilliseconds: 10_000,
  receiveMilliseconds: 300_000,
  connectMilliseconds: 30_000,
  headersMilliseconds: 600_000,
  idleMilliseconds: 600_000,
}

/** Counts the bytes that pass, unchanged and at the reader's pace, and fails above a limit. */
export class ByteMeter extends Transform {
  bytes = 0
  readonly #limit: number
  readonly #on: MeterEvents
  #checked = false

  constructor(options: { limit?: number } & MeterEvents = {}) {
    super()
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY
    this.#on = options
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
    if (this.bytes === 0) this.#on.onFirst?.(chunk)
    this.bytes += chunk.length
    if (this.bytes > this.#limit) return done(new TooManyBytes(this.#limit))
    this.#on.onChunk?.(chunk)
    done(this.bytes === this.#on.length ? this.#check() : null, chunk)
  }

  override _flush(done: TransformCallback) {
    done(this.#check())
  }

  #check(): Error | null {
    if (this.#checked) return null
    this.#checked = true
    try {
      this.#on.beforeLast?.()
      return null
    } catch (error) {
      return error instanceof Error ? error : new Error('the body was refused', { cause: error })
    }
  }
}

interface MeterEvents {
  onFirst?: ((chunk: Buffer) => void) | undefined
  onChunk?: ((chunk: Buffer) => void) | undefined
  /** Announced length: without it, only the end shows that all bytes have arrived. */
  length?: number | undefined
  /** Runs when all bytes have arrived, before the last of them pass or the end does: if it throws, they do not. */
  beforeLast?: (() => void) | undefined
}

export class TooManyBytes extends Error {
  constructor(limit: number) {
    super(`more than ${limit} bytes`)
    this.name = 'TooManyBytes'
  }
}

const modelMember = /"model"\s*:\s*"([\w.:@/[\]-]{1,80})"/

/**
 * Returns the model that a request names in the first chunk of its body, for the log only. Matches by
 * pattern, because the body is passed on unread; the result can only be a plain name.
 */
export function modelName(chunk: Buffer): string | undefined {
  return modelMember.exec(chunk.toString('latin1', 0, 2048))?.[1]
}
