/**
 * A queue between one producer and one consumer, in which `limit` values fit: `push` waits while it is
 * full. For as long as nobody reads, what does not fit is dropped, so that an unread run still ends.
 */
export function createChannel<T>(limit: number) {
  const values: T[] = []
  let reader: 'none' | 'reading' | 'gone' = 'none'
  let patient = true
  let closed = false
  let wakeReader = () => {}
  let wakeWriter = () => {}

  const full = () => values.length >= limit

  return {
    async push(value: T): Promise<void> {
      while (reader === 'reading' && patient && full()) {
        await new Promise<void>(resolve => {
          wakeWriter = resolve
        })
      }
      if (full() || reader === 'gone') return
      values.push(value)
      wakeReader()
    },

    /** From now on nothing waits for the reader. */
    hurry() {
      patient = false
      wakeWriter()
    },

    /** Nothing comes after these. */
    close(...last: readonly T[]) {
      values.push(...last)
      closed = true
      wakeReader()
    },

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
