import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseAccessDecision, renderDecision } from '../../egress/proxy-log.ts'
import { openEngine } from '../../operations/context.ts'
import { currentStack } from '../../operations/find-stacks.ts'
import { serviceOf } from '../../stack/inspect.ts'
import { serviceOfCredential, serviceOfEgress } from '../../stack/services.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderGatewayLine } from '../render/gateway-log.ts'

export type LogsOptions = { follow?: boolean; lines: string; json?: boolean }

const mostLines = 100_000

/** Prints the log of one service. Its lines are hostile and are sanitised for the terminal. */
export async function logs(service: string, options: LogsOptions, invocation: Invocation) {
  const tail = Number(options.lines)
  if (!Number.isInteger(tail) || tail < 0 || tail > mostLines) {
    throw new UserError(
      `--lines ${terminalLine(options.lines)} is not a number from 0 to ${mostLines}`,
      {
        hint: `give a number, for example: ${calledAs()} logs proxy --lines 200`,
        exitCode: 2,
      },
    )
  }
  const { engine, signal } = await openEngine(invocation)
  const state = await currentStack({ engine })
  const found = serviceOf(state, service)
  if (!found) {
    throw new UserError(`this stack has no service ${terminalLine(service)}`, {
      hint: `it has ${state.services.map(({ name }) => name).join(', ')}`,
      exitCode: 2,
    })
  }
  const render = options.json
    ? (line: string) => terminalLine(line, Infinity)
    : renderLogLine(service)
  await engine.followLog(found.container, { tail, follow: options.follow ?? false, signal }, line =>
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
