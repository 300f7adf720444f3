import { Transform, type TransformCallback } from 'node:stream'

/** Counts what passes, unchanged and at the reader's pace, and fails above a limit. */
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
