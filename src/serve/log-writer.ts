/** Characters that are written at once, even in the middle of a turn. */
const mostWaiting = 64 * 1024

/**
 * Writes the lines of one turn of the event loop together. Each write to the engine's pipe waits until the engine has
 * taken the one before, so that on a busy machine a line for each request is most of what a request costs.
 *
 * @param write has written the text when it returns, as `process.stdout` does with a pipe and with a file
 */
export function createLogWriter(write: (text: string) => void) {
  let waiting = ''
  let isScheduled = false

  const flush = () => {
    const text = waiting
    waiting = ''
    if (text !== '') write(text)
  }

  return {
    write(line: string) {
      waiting += line
      if (waiting.length >= mostWaiting) return flush()
      if (isScheduled) return
      isScheduled = true
      setImmediate(() => {
        isScheduled = false
        flush()
      })
    },
    /** Writes what waits, before the process ends. */
    flush,
  }
}
