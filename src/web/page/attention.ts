/** Milliseconds of output after which a pause means that Claude waits: its progress never stands still. */
const busyMilliseconds = 2_000
const quietMilliseconds = 3_000

export type Attention = {
  /** Call it with each output. */
  output: () => void
  /** Call it with each key: what follows a key at once is its echo. */
  typed: () => void
  /** Call it when the terminal rings. */
  bell: () => void
  stop: () => void
}

/**
 * Calls `waits` when Claude stops working: when the terminal rings, or when its output ends after some seconds
 * in which the user typed nothing.
 */
export function createAttention(
  waits: () => void,
  { now = () => performance.now(), set = setTimeout, clear = clearTimeout } = {},
): Attention {
  let since: number | null = null
  let last = 0
  let rung = Number.NEGATIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined
  const forget = () => {
    since = null
    clear(timer)
  }
  const quiet = () => {
    const busy = since !== null && last - since >= busyMilliseconds
    since = null
    if (busy) waits()
  }
  return {
    output() {
      last = now()
      since ??= last
      clear(timer)
      timer = set(quiet, quietMilliseconds)
    },
    typed: forget,
    bell() {
      forget()
      // An agent can ring without end.
      if (now() - rung < quietMilliseconds) return
      rung = now()
      waits()
    },
    stop: forget,
  }
}
