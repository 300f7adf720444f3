import { terminalJson } from '../base/terminal-text.ts'

/** Who a line is about. Never a token, a prompt, a body or a query string. */
type About = { tenant?: string; token?: string; runId?: string }

/** Everything that the server logs. */
export type ServerEvent =
  | { kind: 'listening'; port: number; tenants: number; tokens: number }
  | { kind: 'stopping'; signal: string; runs: number }
  | { kind: 'reloaded'; tenants: number; tokens: number }
  | ({
      kind: 'request'
      method: string
      /** The pattern of the route, so that a path with a secret in it is not logged. */
      route: string
      /** 499 when the client left before the answer. */
      status: number
      milliseconds: number
      reason?: string
    } & About)
  | ({ kind: 'run-started'; workspace: string; surface: string } & About)
  | ({
      kind: 'run-ended'
      workspace: string
      status: string
      milliseconds: number
      costUsd: number | null
      code?: string
    } & About)
  | ({ kind: 'run-refused'; workspace: string; reason: string } & About)
  | ({
      kind: 'webhook'
      outcome: 'delivered' | 'failed' | 'dropped'
      attempts: number
      reason?: string
    } & About)
  | {
      kind: 'grant'
      change: 'opened' | 'prolonged' | 'shortened' | 'kept' | 'closed' | 'absent'
      name: string
      tenant: string
      until?: string
      by?: string
    }
  | { kind: 'schedules'; jobs: number }
  | ({
      kind: 'schedule'
      job: string
      event: 'fired' | 'ended' | 'skipped' | 'refused' | 'missed' | 'held' | 'released'
      reason?: string
    } & About)
  | ({
      kind: 'telegram'
      event: 'polling' | 'stranger' | 'moved' | 'blocked' | 'reloaded'
      /** Numeric ids. */
      chat?: number
      user?: number
      to?: number
    } & About)
  | { kind: 'malformed'; reason: string }
  | ({ kind: 'warn' | 'error'; message: string; hint?: string } & About)

export type ServerLog = (event: ServerEvent) => void

export const logLevels = ['silent', 'error', 'warn', 'info'] as const
export type LogLevel = (typeof logLevels)[number]

const severity = { silent: 0, error: 1, warn: 2, info: 3 }

/**
 * Writes one JSON object per line. Hostile text cannot forge a second line, nor reach the terminal of
 * someone who reads the log with an escape sequence in it (threat N17).
 */
export function createServerLog(
  level: LogLevel,
  write: (line: string) => void,
  now: () => Date = () => new Date(),
): ServerLog {
  return event => {
    if (severity[levelOf(event)] > severity[level]) return
    write(`${terminalJson({ time: now().toISOString(), level: levelOf(event), ...event }, 0)}\n`)
  }
}

function levelOf(event: ServerEvent): 'error' | 'warn' | 'info' {
  if (event.kind === 'error') return 'error'
  if (event.kind === 'webhook') return event.outcome === 'delivered' ? 'info' : 'warn'
  return event.kind === 'warn' || event.kind === 'malformed' ? 'warn' : 'info'
}
