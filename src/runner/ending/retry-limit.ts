import { terminalLine } from '../../base/terminal-text.ts'

type Json = Record<string, unknown>

/** Maximum milliseconds of retries against an API that does not answer. */
export const retryMilliseconds = 25_000

/**
 * Watches Claude Code's own retries, which can go on silently for minutes, so that a run ends in time when
 * the API is down or asks for a long delay. Any answer of the model resets it.
 */
export function createRetryLimit(limit = retryMilliseconds, now: () => number = Date.now) {
  let since: number | null = null
  let attempts = 0
  let isHeld = false
  return {
    /** While a question waits for its answer, the silence of the API does not count. */
    hold(held: boolean) {
      isHeld = held
      since = null
      attempts = 0
    },
    /** Takes a message of claude. Returns the reason to give up, or null. */
    see(message: Json): string | null {
      if (message.type === 'stream_event' || message.type === 'assistant') {
        since = null
        attempts = 0
      }
      if (isHeld || message.type !== 'system' || message.subtype !== 'api_retry') return null
      since ??= now()
      attempts++
      const delay = typeof message.retry_delay_ms === 'number' ? message.retry_delay_ms : 0
      if (now() - since + delay <= limit) return null
      const status = typeof message.error_status === 'number' ? message.error_status : null
      const reason = terminalLine(String(message.error ?? 'no reason given'))
      const attempt = attempts === 1 ? 'attempt' : 'attempts'
      return status === null
        ? `the model API cannot be reached: ${reason}, after ${attempts} ${attempt}`
        : `the model API answers ${status}: ${reason}, after ${attempts} ${attempt}`
    },
  }
}
export type RetryLimit = ReturnType<typeof createRetryLimit>
