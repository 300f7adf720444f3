import { Transform, type TransformCallback } from 'node:stream'

/** Counts the bytes that pass, unchanged and at the reader's pace, and fails above a limit. */
export class ByteMeter extends Transform {
  bytes = 0
  readonly #limit: number
  readonly #onFirst: ((chunk: Buffer) => void) | undefined

  constructor(
    options: {
      limit?: number
      onFirst?: (chunk: Buffer) => void
    } = {},
  ) {
    super()
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY
    this.#onFirst = options.onFirst
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback) {
    if (this.bytes === 0) this.#onFirst?.(chunk)
    this.bytes += chunk.length
    if (this.bytes > this.#limit) done(new TooManyBytes(this.#limit))
    else done(null, chunk)
  }
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
