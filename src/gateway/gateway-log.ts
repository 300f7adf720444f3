import type { Asked } from './counting/request-reader.ts'
import type { GatewaySettings } from './settings.ts'

/**
 * How a request ended: with an answer of the gateway or the origin, or with a stream that one side
 * broke off.
 */
export type Outcome = 'answered' | 'refused' | 'client-gone' | 'upstream-broken'

/** An exchange in progress; its log line is written when it ends. */
export interface Exchange {
  request?: { readonly bytes: number }
  answer?: { readonly bytes: number }
  tenant?: string
  model?: string
  /** Set once the whole body has arrived: only then can the origin have it. */
  asked?: Asked
  /** Host and path of a listed repository. */
  repository?: string
  /** Why git's request was refused. */
  refused?: string
  broken?: 'client-gone' | 'upstream-broken'
}

/**
 * Everything the gateway logs. The shapes hold no header values and no content, so the log needs no
 * redaction.
 */
export type GatewayEvent =
  | { kind: 'listening'; port: number; upstream: string; proxy: string }
  | { kind: 'stopping'; signal: string }
  | {
      kind: 'request'
      method: string
      route: string
      status: number
      outcome: Outcome
      requestBytes: number
      responseBytes: number
      milliseconds: number
      /** Of a server with tenants. */
      tenant?: string
      model?: string
      repository?: string
      /** Why it was refused or failed. */
      reason?: string
    }
  | { kind: 'malformed'; reason: string }
  | { kind: 'warn' | 'error'; message: string; hint?: string }

export type GatewayLog = (event: GatewayEvent) => void

const severity = { silent: 0, error: 1, warn: 2, info: 3 }

/** Writes one JSON object per line: the encoding of JSON keeps hostile text from forging a second one. */
export function createGatewayLog(
  level: GatewaySettings['LOG_LEVEL'],
  write: (line: string) => void,
  now: () => Date = () => new Date(),
): GatewayLog {
  return event => {
    if (severity[eventLevel(event)] > severity[level]) return
    write(`${JSON.stringify({ time: now().toISOString(), level: eventLevel(event), ...event })}\n`)
  }
}

function eventLevel(event: GatewayEvent): 'error' | 'warn' | 'info' {
  if (event.kind === 'error') return 'error'
  return event.kind === 'warn' || event.kind === 'malformed' ? 'warn' : 'info'
}
