import * as z from 'zod'
import { UserError } from '../../base/errors.ts'
import { parseJsonLine } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseAccessDecision, renderDecision } from '../../egress/proxy-log.ts'
import type { Engine } from '../../engine/engine.ts'
import { openEngine } from '../../operations/context.ts'
import { currentStack } from '../../operations/find-stacks.ts'
import { type ServiceState, serviceOf } from '../../stack/inspect.ts'
import { serviceOfCredential, serviceOfEgress } from '../../stack/services.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'

export type LogsOptions = { follow?: boolean; lines: string; json?: boolean }

const mostLines = 100_000

/** Prints the log of one service. Its lines are hostile and are sanitised for the terminal. */
export async function logs(service: string, options: LogsOptions, invocation: Invocation) {
  parseLines(options.lines)
  const { engine, signal } = await openEngine(invocation)
  const state = await currentStack({ engine })
  const found = serviceOf(state, service)
  if (!found) {
    throw new UserError(`this stack has no service ${terminalLine(service)}`, {
      hint: `it has ${state.services.map(({ name }) => name).join(', ')}`,
      exitCode: 2,
    })
  }
  await showLog({ engine, signal }, found, options)
}

function parseLines(lines: string): number {
  const tail = Number(lines)
  if (!Number.isInteger(tail) || tail < 0 || tail > mostLines) {
    throw new UserError(`--lines ${terminalLine(lines)} is not a number from 0 to ${mostLines}`, {
      hint: `give a number, for example: ${calledAs()} logs proxy --lines 200`,
      exitCode: 2,
    })
  }
  return tail
}

/** Prints the log of a service's container. */
export async function showLog(
  { engine, signal }: { engine: Engine; signal: AbortSignal },
  { name, container }: Pick<ServiceState, 'name' | 'container'>,
  options: LogsOptions,
) {
  const tail = parseLines(options.lines)
  const render = options.json ? (line: string) => terminalLine(line, Infinity) : renderLogLine(name)
  await engine.followLog(container, { tail, follow: options.follow ?? false, signal }, line =>
    console.log(render(line)),
  )
}

/** Returns the renderer of a service's log lines: those of proxy and gateway in words, others sanitised. */
export function renderLogLine(service: string): (line: string) => string {
  const plain = (line: string) => terminalLine(line, 2_000)
  if (service === serviceOfCredential) return line => renderGatewayLine(line) ?? plain(line)
  if (service !== serviceOfEgress) return plain
  return line => {
    const decision = parseAccessDecision(line)
    return decision ? renderDecision(decision) : plain(line)
  }
}

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
