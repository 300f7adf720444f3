import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerLog } from '../../tenants/server-log.ts'
import { hintOf, wordsOf } from './failure.ts'

const pauses = [1_000, 2_000, 5_000, 10_000, 30_000]

/** Makes a call until Telegram answers it; null when the signal fires. Each new reason is logged once. */
export async function askUntilAnswered<T>(
  call: () => Promise<T>,
  options: { log: ServerLog; signal: AbortSignal; pauses?: readonly number[] },
): Promise<T | null> {
  const { log, signal } = options
  const steps = options.pauses ?? pauses
  let told = ''
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if (signal.aborted) return null
      const message = `the bot has not begun: ${wordsOf(error)}`
      if (message !== told) log({ kind: 'error', message, hint: hintOf(error) })
      told = message
      const pause = steps[Math.min(attempt, steps.length - 1)] ?? 1_000
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }
  return null
}
