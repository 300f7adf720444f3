import { createHmac, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Dispatcher, ProxyAgent, request } from 'undici'
import { systemCode } from '../base/errors.ts'
import { describeFailure } from '../run/failure.ts'
import { apiState } from './api/run-answer.ts'
import type { EndedRun } from './run-starter.ts'
import type { ServerLog } from './server-log.ts'

export type WebhookLimits = {
  /** Maximum reports that wait or are being sent; a further one is dropped. */
  waiting: number
  /** Milliseconds before each attempt after the first. */
  pauses: readonly number[]
  /** Milliseconds of one attempt. */
  attempt: number
}

const defaults: WebhookLimits = {
  waiting: 1_000,
  pauses: [1_000, 5_000, 30_000, 120_000],
  attempt: 10_000,
}

/** A report of an ended run. It has no prompt and no answer: the receiver fetches the result with its token. */
export function reportOf({ caller, surface, result }: EndedRun) {
  const { runId, workspace, status, startedAt, endedAt, sessionId, costUsd, error } = result
  return {
    event: 'run.ended',
    ...{ runId, workspace, status: apiState(status), startedAt, endedAt, sessionId, costUsd },
    error: error && describeFailure(error),
    tenant: caller.tenant.name,
    token: caller.token.name,
    surface,
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

/** Sends a report of each ended run. Follows no redirect, and gives up after the last attempt. */
export function createWebhook(options: {
  url: URL
  secret: string
  dispatcher: Dispatcher
  log: ServerLog
  limits?: Partial<WebhookLimits>
  now?: () => number
}) {
  const { url, secret, dispatcher, log, now = Date.now } = options
  const limits = { ...defaults, ...options.limits }
  const closing = new AbortController()
  const sending = new Set<Promise<void>>()

  async function deliver(run: EndedRun): Promise<void> {
    const body = JSON.stringify(reportOf(run))
    const delivery = randomUUID()
    let reason = ''
    for (const [index, pause] of [0, ...limits.pauses].entries()) {
      if (pause > 0) await sleep(pause, undefined, { signal: closing.signal }).catch(() => {})
      if (closing.signal.aborted) break
      reason = await attempt(body, delivery)
      const about = aboutOf(run)
      if (reason === '')
        return log({ kind: 'webhook', outcome: 'delivered', attempts: index + 1, ...about })
      if (index === limits.pauses.length) {
        return log({ kind: 'webhook', outcome: 'failed', attempts: index + 1, reason, ...about })
      }
    }
    log({
      kind: 'webhook',
      outcome: 'dropped',
      attempts: 0,
      reason: reason || 'stopping',
      ...aboutOf(run),
    })
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

  return {
    send(run: EndedRun) {
      if (sending.size >= limits.waiting) {
        return log({
          kind: 'webhook',
          outcome: 'dropped',
          attempts: 0,
          reason: 'too many wait',
          ...aboutOf(run),
        })
      }
      const sent = deliver(run).finally(() => sending.delete(sent))
      sending.add(sent)
    },
    /** Ends the attempts in progress, and drops what waits. */
    async close() {
      closing.abort()
      await Promise.allSettled(sending)
      await dispatcher.destroy()
    },
  }
}
export type Webhook = ReturnType<typeof createWebhook>

/** The way out of the server: the proxy lets through the names of `server_sites` alone. */
export function throughProxy(proxy: string): Dispatcher {
  const timeout = 10_000
  return new ProxyAgent({ uri: proxy, proxyTls: { timeout }, requestTls: { timeout } })
}

function refusedByProxy(error: unknown): string | null {
  const match = error instanceof Error && /^Proxy response \((\d{3})\)/.exec(error.message)
  return match ? `the proxy refused the name (${match[1]}): add it to server_sites` : null
}

function aboutOf({ caller, result }: EndedRun) {
  return { runId: result.runId, token: caller.token.name, tenant: caller.tenant.name }
}
