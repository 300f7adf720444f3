/** Milliseconds without a run before the first work, and between two. */
const pauseMilliseconds = 200

/**
 * Work that can wait until no run needs the processors: to start a process for later takes as much of
 * them as a run does.
 *
 * @param isQuiet whether no run is under way
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
    // What is only done ahead of time may fail: whoever needs it does it then, and says why it failed.
    await work().catch(() => {})
    look()
  }

  /** To be called when a run has ended. */
  function look() {
    if (timer !== undefined || waiting.size === 0 || !isQuiet()) return
    timer = setTimeout(() => void next(), pause).unref()
  }

  return {
    /** The last work under a key is the one that is done. */
    later(key: string, work: () => Promise<unknown>) {
      waiting.set(key, work)
      look()
    },
    look,
    /** Nothing more is begun. */
    close() {
      waiting.clear()
      clearTimeout(timer)
      timer = undefined
    },
  }
}
