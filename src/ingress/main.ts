import { once } from 'node:events'
import { messageOf } from '../base/errors.ts'
import { parseIngressSettings } from './ingress-settings.ts'
import { createRelay } from './relay.ts'

/** The program of the service `ingress` in compose.server.yaml. */
async function main() {
  const { port, target } = parseIngressSettings(process.env)
  // More than the server's own bound, so that a refusal comes from the server, with its reason.
  const relay = createRelay({ target, connections: 3_000 })
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0))
  relay.listen(port, '0.0.0.0')
  await once(relay, 'listening')
  relay.on('error', fail)
  log({ kind: 'listening', port, target: `${target.host}:${target.port}` })
}

function log(event: object) {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`)
}

function fail(error: unknown): never {
  log({ kind: 'error', message: messageOf(error) })
  process.exit(1)
}

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
await main().catch(fail)
