import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerLog } from '../../tenants/server-log.ts'
import type { BotApi } from '../bot-api/bot-api.ts'
import { failureOfCall, hintOf, wordsOf } from '../bot-api/failure.ts'
import { type Inbox, mostWaiting, type Waiting } from './inbox.ts'

/** Seconds for which Telegram holds a request without updates. */
const pollSeconds = 50
/** A connection that a firewall forgot gives no answer: the request is made again. */
const silenceMilliseconds = (pollSeconds + 20) * 1_000
const fullMilliseconds = 500

/** Milliseconds before the next request after a failure, by the number of failures in a row. */
const pauses = [1_000, 2_000, 5_000, 15_000, 30_000]

/** Kinds of updates that are asked for: not edits, channel posts and reactions. */
const wanted = ['message', 'callback_query'] as const

/**
 * Gets the updates of the bot until the signal fires. Stores them before the next request, which acknowledges them: a
 * killed server loses none (long polling, so that nothing reaches the server from outside).
 */
export async function pollUpdates(options: {
  api: Pick<BotApi, 'getUpdates' | 'deleteWebhook'>
  inbox: Inbox
  onKept: (updates: readonly Waiting[]) => void
  log: ServerLog
  signal: AbortSignal
  /** For tests. */
  pauses?: readonly number[]
  silence?: number
}): Promise<void> {
  const { api, inbox, onKept, log, signal, silence = silenceMilliseconds } = options
  const steps = options.pauses ?? pauses
  let failures = 0
  let told = ''
  let hasWebhook = true

  async function once(): Promise<void> {
    if (hasWebhook) await api.deleteWebhook({}, grammySignal(signal))
    hasWebhook = false
    // What Telegram has stays there.
    while (inbox.count() >= mostWaiting) await sleep(fullMilliseconds, undefined, { signal })
    const offset = inbox.offset()
    const within = AbortSignal.any([signal, AbortSignal.timeout(silence)])
    const updates = await api.getUpdates(
      {
        timeout: pollSeconds,
        limit: 100,
        allowed_updates: [...wanted],
        ...(offset !== null && { offset }),
      },
      grammySignal(within),
    )
    if (updates.length > 0) onKept(inbox.keep(updates))
  }

  while (!signal.aborted) {
    try {
      await once()
      if (told !== '') log({ kind: 'telegram', event: 'polling' })
      failures = 0
      told = ''
    } catch (error) {
      if (signal.aborted) return
      const message = `no updates of Telegram: ${wordsOf(error)}`
      if (message !== told) log({ kind: 'error', message, hint: hintOf(error) })
      told = message
      const failure = failureOfCall(error)
      const asked = failure.kind === 'too-many' ? failure.seconds * 1_000 : 0
      const pause = Math.max(steps[Math.min(failures, steps.length - 1)] ?? 1_000, asked)
      failures += 1
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }
}

/** grammY names the signal of another package, with the same members. */
export function grammySignal(signal: AbortSignal) {
  return signal as unknown as Parameters<BotApi['getUpdates']>[1]
}
