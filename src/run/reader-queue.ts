/** The policy for a reader that does not keep up: the writer waits for it, or the queue closes. */
export type WhenFull = 'wait' | 'close'

/**
 * A queue of at most `limit` values between one writer and one reader. With `wait`, `push` waits while
 * the queue is full; before the reader starts, values that do not fit are dropped, so that an unread run
 * still ends. With `close`, a full queue ends after its current values.
 */
export function createReaderQueue<T>(limit: number, whenFull: WhenFull = 'wait') {
  const values: T[] = []
  let reader: 'none' | 'reading' | 'gone' = 'none'
  let patient = whenFull === 'wait'
  let closed = false
  let wakeReader = () => {}
  let wakeWriter = () => {}

  const full = () => values.length >= limit
  const close = (...last: readonly T[]) => {
    if (!closed) values.push(...last)
    closed = true
    wakeReader()
  }

  return {
    async push(value: T): Promise<void> {
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
      wakeReader()
    },

    /** Stops making the writer wait for the reader. */
    hurry() {
      patient = false
      wakeWriter()
    },

    /** Ends the queue after these values. */
    close,

    async *read(): AsyncGenerator<T> {
      reader = 'reading'
      try {
        for (;;) {
          const value = values.shift()
          if (value !== undefined) {
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
