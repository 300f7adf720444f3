import type { RunEvent, RunEventBody } from './event.ts'
import { createReaderQueue, type ReaderQueue, type WhenFull } from './reader-queue.ts'

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
    stamp,

    async publish(event: RunEvent): Promise<void> {
      if (event.kind === 'started') started = event
      if (event.kind === 'question') question = event
      if (event.kind === 'question-closed') question = null
      await Promise.all([...readers].map(reader => reader.push(event)))
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

    /** `state: false` omits the current state, for a reader that resumes. */
    read(options: { whenFull: WhenFull; state?: boolean }): AsyncIterable<RunEvent> {
      const queue = createReaderQueue<RunEvent>(limit, options.whenFull)
      if (options.state !== false) {
        for (const event of [started, question]) if (event) void queue.push(event)
      }
      if (isClosed) queue.close()
      else readers.add(queue)
      return leaving(queue.read(), () => readers.delete(queue))
    },
  }
}
export type Hub = ReturnType<typeof createHub>

async function* leaving<T>(values: AsyncIterable<T>, leave: () => void): AsyncGenerator<T> {
  try {
    yield* values
  } finally {
    leave()
  }
}
