import * as z from 'zod'
import { parseJsonLine } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'

const count = z.number().int().nonnegative()
const time = z.iso.datetime()
const Line = z.discriminatedUnion('kind', [
  z.object({ time, kind: z.literal('listening'), port: count, upstream: z.string() }),
  z.object({ time, kind: z.literal('stopping'), signal: z.string() }),
  z.object({
    time,
    kind: z.literal('request'),
    method: z.string(),
    route: z.string(),
    status: count,
    outcome: z.string(),
    requestBytes: count,
    responseBytes: count,
    milliseconds: z.number().nonnegative(),
    model: z.string().optional(),
    reason: z.string().optional(),
  }),
  z.object({ time, kind: z.literal('malformed'), reason: z.string() }),
  z.object({
    time,
    kind: z.enum(['warn', 'error']),
    message: z.string(),
    hint: z.string().optional(),
  }),
])
type Line = z.infer<typeof Line>

const longest = 2_000

/** Renders a line of the gateway's log in words; null for any other line. Callers choose parts of it. */
export function renderGatewayLine(line: string): string | null {
  const parsed = Line.safeParse(parseJsonLine(line))
  if (!parsed.success) return null
  const moment = parsed.data.time.slice(0, 19).replace('T', ' ')
  return terminalLine(`${moment} ${describe(parsed.data)}`, longest)
}

function describe(event: Line): string {
  switch (event.kind) {
    case 'listening':
      return `listening on port ${event.port}, model at ${event.upstream}`
    case 'stopping':
      return `stopping: ${event.signal}`
    case 'malformed':
      return `malformed request (${event.reason})`
    case 'warn':
    case 'error':
      return `${event.kind}: ${event.message}${event.hint ? ` (${event.hint})` : ''}`
    case 'request': {
      const { method, route, status, outcome, model, reason } = event
      const traffic = `${event.responseBytes} bytes in, ${event.requestBytes} out`
      const details = [
        ...(model ? [model] : []),
        ...(reason ? [reason] : []),
        `${traffic}, ${(event.milliseconds / 1000).toFixed(1)} s`,
      ]
      return `${outcome.padEnd(8)} ${method} ${route} ${status} (${details.join(', ')})`
    }
    default:
      return event satisfies never
  }
}
