/** Milliseconds without a run before the first task, and between two tasks. */
const pauseMilliseconds = 200

/**
 * Defers work until no run needs the processors: starting a process for later uses as much processor time
 * as a run does.
 *
 * @param isQuiet whether no run is in progress
 */
export function createQuietTime(isQuiet: () => boolean, pause = pauseMilliseconds) {
  const waiting = new Map<string, () => Promise<unknown>>()
  let timer: NodeJS.Timeout | undefined

  async function next() {
    timer = undefined
    const [first] = waiting
    if (!first || !isQuiet()) return
    const [key, work] = first
    waiting.delete(key)
    // Work ahead of time may fail: the run that needs it repeats it, and reports the error.
    await work().catch(() => {})
    look()
  }

  /** Schedules the next task, if any. Call it when a run has ended. */
  function look() {
    if (timer !== undefined || waiting.size === 0 || !isQuiet()) return
    timer = setTimeout(() => void next(), pause).unref()
  }

  return {
    /** Schedules work; later work replaces earlier work of the same key. */
    later(key: string, work: () => Promise<unknown>) {
      waiting.set(key, work)
      look()
    },
    look,
    /** Stops starting work. */
    close() {
      waiting.clear()
      clearTimeout(timer)
      timer = undefined
    },
  }
}
