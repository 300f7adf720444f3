import type { RunEvent, RunEventBody } from './result.ts'

/** The policy for a reader that does not keep up: the writer waits for it, or the queue closes. */
export type WhenFull = 'wait' | 'close'

/** Maximum characters of the events that wait for one reader; a single larger one has room. */
const charactersHeld = 4 * 1024 * 1024

/**
 * A queue of at most `limit` values between one writer and one reader, and of at most `characters` by the
 * sizes that `push` is told. With `wait`, `push` waits while the queue is full; before the reader starts,
 * values that do not fit are dropped, so that an unread run still ends. With `close`, a full queue ends
 * after its current values.
 */
export function createReaderQueue<T>(
  limit: number,
  whenFull: WhenFull = 'wait',
  characters = charactersHeld,
) {
  const values: T[] = []
  const sizes: number[] = []
  let held = 0
  let reader: 'none' | 'reading' | 'gone' = 'none'
  let patient = whenFull === 'wait'
  let closed = false
  let wakeReader = () => {}
  let wakeWriter = () => {}

  const full = () => values.length >= limit || (values.length > 0 && held >= characters)
  const close = (...last: readonly T[]) => {
    if (!closed) values.push(...last)
    closed = true
    wakeReader()
  }

  return {
    async push(value: T, size = 0): Promise<void> {
      while (reader === 'reading' && patient && full()) {
        await new Promise<void>(resolve => {
          wakeWriter = resolve
        })
      }
      if (closed || reader === 'gone') return
      if (full()) {
        if (whenFull === 'close') close()
        return
      }
      values.push(value)
      sizes.push(size)
      held += size
      wakeReader()
    },

    /** Stops making the writer wait for the reader. */
    hurry() {
      patient = false
      wakeWriter()
    },

    /** Ends the queue after these values. */
    close,
    isClosed: () => closed,

    async *read(): AsyncGenerator<T> {
      reader = 'reading'
      try {
        for (;;) {
          const value = values.shift()
          if (value !== undefined) {
            held -= sizes.shift() ?? 0
            wakeWriter()
            yield value
          } else if (closed) {
            return
          } else {
            await new Promise<void>(resolve => {
              wakeReader = resolve
            })
          }
        }
      } finally {
        reader = 'gone'
        wakeWriter()
      }
    },
  }
}
export type ReaderQueue<T> = ReturnType<typeof createReaderQueue<T>>

const eventsHeld = 256

/**
 * Delivers the events of one run to any number of readers. A new reader first gets the current state:
 * `started`, and the open question. Each reader has a bounded queue; one that does not keep up is
 * closed, and can resume after the last `seq` that it saw.
 */
export function createHub({ limit = eventsHeld, now }: { limit?: number; now: () => Date }) {
  const readers = new Set<ReaderQueue<RunEvent>>()
  let seq = 0
  let started: RunEvent | null = null
  let question: RunEvent | null = null
  let isClosed = false

  const stamp = (happening: RunEventBody): RunEvent => ({
    seq: ++seq,
    at: now().toISOString(),
    ...happening,
  })

  return {
    lastSeq: () => seq,
    /** Number of readers for which events are held. */
    readerCount: () => readers.size,
    stamp,

    async publish(event: RunEvent): Promise<void> {
      if (event.kind === 'started') started = event
      if (event.kind === 'question') question = event
      if (event.kind === 'question-closed') question = null
      const size = readers.size > 0 ? sizeOf(event) : 0
      await Promise.all([...readers].map(reader => reader.push(event, size)))
      for (const reader of readers) if (reader.isClosed()) readers.delete(reader)
    },

    /** Stops waiting for readers. */
    hurry() {
      for (const reader of readers) reader.hurry()
    },

    close(last?: RunEventBody) {
      isClosed = true
      const events = last ? [stamp(last)] : []
      for (const reader of readers) reader.close(...events)
      readers.clear()
    },

    /** `state: false` omits the current state, for a reader that resumes. `signal` ends the reading. */
    read(options: {
      whenFull: WhenFull
      state?: boolean
      signal?: AbortSignal
    }): AsyncIterable<RunEvent> {
      const { signal } = options
      const queue = createReaderQueue<RunEvent>(limit, options.whenFull)
      // Also for a reader that never began: its generator does not end, because it did not start.
      const stop = () => {
        queue.close()
        readers.delete(queue)
      }
      signal?.addEventListener('abort', stop, { once: true })
      if (options.state !== false) {
        for (const event of [started, question]) if (event) void queue.push(event)
      }
      if (isClosed || signal?.aborted) queue.close()
      else readers.add(queue)
      return leaving(queue.read(), () => {
        readers.delete(queue)
        signal?.removeEventListener('abort', stop)
      })
    },
  }
}
export type Hub = ReturnType<typeof createHub>

/** Returns about how many characters a value takes: of its texts and names, and a few for each of its parts. */
function sizeOf(value: unknown): number {
  let size = 0
  const rest: unknown[] = [value]
  while (rest.length > 0 && size < charactersHeld) {
    const one = rest.pop()
    size += partCharacters
    if (typeof one === 'string') size += one.length
    else if (Array.isArray(one)) for (const item of one) rest.push(item)
    else if (typeof one === 'object' && one !== null) {
      for (const [name, item] of Object.entries(one)) {
        size += name.length
        rest.push(item)
      }
    }
  }
  return size
}

const partCharacters = 16

async function* leaving<T>(values: AsyncIterable<T>, leave: () => void): AsyncGenerator<T> {
  try {
    yield* values
  } finally {
    leave()
  }
}
