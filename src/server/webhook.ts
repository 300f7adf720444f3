import { createHmac } from 'node:crypto'
import { type Dispatcher, request } from 'undici'
import { messageOf, systemCode } from '../base/errors.ts'
import { describeFailure } from '../run/failure.ts'
import type { ServerLog } from '../tenants/server-log.ts'
import type { EndedReport, Outbox, Report } from '../tenants/store/outbox.ts'
import { apiState } from './api/run-answer.ts'
import { refusedByProxy } from './through-proxy.ts'

export type WebhookLimits = {
  /** Maximum reports that are being sent at once. */
  atOnce: number
  /** Milliseconds before each attempt after the first. */
  pauses: readonly number[]
  /** Milliseconds of one attempt. */
  attempt: number
}

const defaults: WebhookLimits = {
  atOnce: 16,
  pauses: [1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000],
  attempt: 10_000,
}

/** Time without attempts after the outbox could not be read or written: a full disk would repeat one endlessly. */
const brokenMilliseconds = 60_000
/** The clock of the machine may be set: the outbox is looked at so often in any case. */
const lookMilliseconds = 60_000

/** A report of an ended run. It has no prompt and no answer: the receiver fetches the result with its token. */
export function reportOf({ tenant, token, surface, result }: EndedReport) {
  const { runId, workspace, status, startedAt, endedAt, sessionId, costUsd, error } = result
  return {
    event: 'run.ended',
    ...{ runId, workspace, status: apiState(status), startedAt, endedAt, sessionId, costUsd },
    error: error && describeFailure(error),
    ...{ tenant, token, surface },
  }
}

/**
 * Returns the header by which a receiver knows that a report is ours and new: the time, and the HMAC of
 * the time and the body.
 */
export function signature(secret: string, seconds: number, body: string): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},v1=${mac}`
}

/**
 * Sends the reports of the outbox, each until the receiver took it or its last attempt failed; also those of
 * an earlier process. A receiver gets a report again, as the same delivery, when the server died before it
 * noted the answer. Follows no redirect.
 */
export function createWebhook(options: {
  url: URL
  secret: string
  dispatcher: Dispatcher
  outbox: Outbox
  log: ServerLog
  limits?: Partial<WebhookLimits>
  now?: () => number
}) {
  const { url, secret, dispatcher, outbox, log, now = Date.now } = options
  const limits = { ...defaults, ...options.limits }
  const closing = new AbortController()
  const sending = new Map<number, Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let brokenUntil = 0

  /** Begins what is due, and comes again when the next report is. */
  function look() {
    clearTimeout(timer)
    if (closing.signal.aborted) return
    let pause = lookMilliseconds
    try {
      const at = now()
      const room = at < brokenUntil ? 0 : limits.atOnce - sending.size
      if (room > 0) for (const report of outbox.due(at, room)) begin(report)
      const next = outbox.nextAt()
      // Without room, the end of an attempt looks again.
      if (next !== null && sending.size < limits.atOnce) pause = Math.max(next, brokenUntil) - at
    } catch (error) {
      broken(error)
    }
    timer = setTimeout(look, Math.min(lookMilliseconds, Math.max(1, pause)))
    timer.unref()
  }

  function begin(report: Report) {
    // Due again if this process dies meanwhile.
    outbox.postpone(report.id, report.attempts, now() + 2 * limits.attempt)
    const sent = deliver(report)
      .catch(broken)
      .finally(() => {
        sending.delete(report.id)
        look()
      })
    sending.set(report.id, sent)
  }

  function broken(error: unknown) {
    brokenUntil = now() + brokenMilliseconds
    log({ kind: 'error', message: `reports wait: ${messageOf(error)}` })
  }

  async function deliver({ id, body, delivery, ...report }: Report): Promise<void> {
    const reason = await attempt(body, delivery)
    const attempts = report.attempts + 1
    const about = { runId: report.runId, token: report.token, tenant: report.tenant, attempts }
    if (reason === '') {
      outbox.remove(id)
      return log({ kind: 'webhook', outcome: 'delivered', ...about })
    }
    // An attempt that the stop ended counts for nothing: the next start makes it again.
    if (closing.signal.aborted) return outbox.postpone(id, report.attempts, now())
    const pause = limits.pauses[attempts - 1]
    if (pause === undefined) {
      outbox.remove(id)
      return log({ kind: 'webhook', outcome: 'failed', reason, ...about })
    }
    outbox.postpone(id, attempts, now() + pause)
  }

  /** Returns why an attempt failed; empty when the receiver took the report. */
  async function attempt(body: string, delivery: string): Promise<string> {
    const seconds = Math.floor(now() / 1_000)
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher,
        body,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'claude-secure',
          'x-claude-secure-delivery': delivery,
          'x-claude-secure-signature': signature(secret, seconds, body),
        },
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(limits.attempt)]),
      })
      await answer.body.dump({ limit: 64 * 1024 })
      return answer.statusCode >= 200 && answer.statusCode < 300
        ? ''
        : `status ${answer.statusCode}`
    } catch (error) {
      // Not the text of the error, which can quote the receiver.
      return refusedByProxy(error) ?? systemCode(error) ?? 'no answer in time'
    }
  }

  outbox.onAdded(look)
  look()

  return {
    /** Ends the attempts in progress. What waits is sent after the next start. */
    async close() {
      closing.abort()
      clearTimeout(timer)
      await Promise.allSettled(sending.values())
      await dispatcher.destroy()
      const waiting = outbox.count()
      if (waiting > 0) {
        log({ kind: 'warn', message: `${waiting} reports wait for the next start of the server` })
      }
    },
  }
}
export type Webhook = ReturnType<typeof createWebhook>
