/** A progress message of a long operation. All of them go to stderr. */
export type LogEvent =
  | { kind: 'info'; text: string }
  | { kind: 'warn'; text: string }
  | { kind: 'debug'; text: string }
  | { kind: 'step-start'; name: string }
  | { kind: 'step-progress'; name: string; text: string }
  | { kind: 'step-end'; name: string; outcome: 'done' | 'cached' | 'failed'; milliseconds: number }

export type Log = (event: LogEvent) => void

export const silentLog: Log = () => {}

/**
 * Runs one named step and logs its outcome and duration. `body` returns `'cached'` when there was
 * nothing to do.
 */
export async function step<T>(
  log: Log,
  name: string,
  body: (progress: (text: string) => void) => Promise<T>,
): Promise<T> {
  const started = performance.now()
  log({ kind: 'step-start', name })
  const end = (outcome: 'done' | 'cached' | 'failed') =>
    log({ kind: 'step-end', name, outcome, milliseconds: performance.now() - started })
  try {
    const result = await body(text => log({ kind: 'step-progress', name, text }))
    end(result === 'cached' ? 'cached' : 'done')
    return result
  } catch (error) {
    end('failed')
    throw error
  }
}

/**
 * Runs a step that is usually short: logs it like `step`, but only when it takes longer than `patience`
 * milliseconds.
 */
export async function slowStep<T>(
  log: Log,
  name: string,
  body: (progress: (text: string) => void) => Promise<T>,
  patience = 1_000,
): Promise<T> {
  const held: LogEvent[] = []
  let shown = false
  const timer = setTimeout(() => {
    shown = true
    for (const event of held.splice(0)) log(event)
  }, patience)
  const late: Log = event => {
    if (shown) log(event)
    // Drops early progress: the next report replaces it.
    else if (event.kind === 'step-start') held.push(event)
  }
  try {
    return await step(late, name, body)
  } finally {
    clearTimeout(timer)
  }
}
