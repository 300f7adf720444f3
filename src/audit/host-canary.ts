import { randomBytes } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import * as z from 'zod'
import { until } from '../base/async.ts'
import type { Engine } from '../engine/engine.ts'
import type { Attacker } from './attacker.ts'
import { canaryPorts } from './twin-file.ts'

/**
 * A service on every address of this host that sends a secret word to each client. It stands for
 * the services that an agent could reach on the host.
 */
export type HostCanary = {
  port: number
  word: string
  /** IPv4 addresses of this host. */
  addresses: string[]
  /** Returns the addresses of the clients. */
  visitors: () => string[]
  close: () => Promise<void>
}

export async function openHostCanary(): Promise<HostCanary> {
  const word = `host-${randomBytes(16).toString('hex')}`
  const visitors: string[] = []
  const server = createServer(socket => {
    visitors.push(socket.remoteAddress ?? '?')
    socket.on('error', () => {})
    socket.end(`${word}\r\n`)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '0.0.0.0', resolve)
  })
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
  return {
    port: (server.address() as AddressInfo).port,
    word,
    addresses,
    visitors: () => [...visitors],
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** An observation of the canary. */
export const CanaryEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('connection'), port: z.number(), from: z.string().optional() }),
  z.object({ kind: z.literal('data'), port: z.number(), text: z.string() }),
  z.object({ kind: z.literal('question'), name: z.string(), type: z.number() }),
  z.object({ kind: z.literal('listening'), port: z.number() }),
  z.object({ kind: z.literal('failed'), port: z.number(), text: z.string() }),
])
export type CanaryEvent = z.infer<typeof CanaryEvent>

/** Returns the canary's events in the engine's log so far. */
export async function canaryEvents(engine: Engine, container: string): Promise<CanaryEvent[]> {
  const lines = await engine.logLines(container, 20_000)
  return lines.flatMap(line => {
    const event = CanaryEvent.safeParse(JSON.parse(line))
    return event.success ? [event.data] : []
  })
}

/**
 * Returns the canary's events up to now. Events pass through the engine's log, which lags on a busy
 * machine: without a last event of our own to wait for, an attack that succeeded could look refused.
 */
export async function completeEvents(
  outsider: Pick<Attacker, 'dial'>,
  read: () => Promise<CanaryEvent[]>,
): Promise<CanaryEvent[]> {
  const mark = `mark-${randomBytes(8).toString('hex')}`
  const [port = 0] = canaryPorts
  let reads = 0
  const events = await until(
    async () => {
      // Sent again each second: the canary can miss the text of a connection that ends at once.
      if (reads++ % 20 === 0)
        await outsider.dial('127.0.0.1', port, { send: mark, until: 'canary' })
      const found = await read()
      return found.some(event => event.kind === 'data' && event.text === mark) ? found : null
    },
    { every: 50, timeout: 60_000 },
  )
  if (!events) throw new Error('the log of the canary lags by more than 60 s')
  return events.filter(
    event =>
      !(event.kind === 'data' && event.text.startsWith('mark-')) &&
      !(event.kind === 'connection' && event.from === '127.0.0.1'),
  )
}

/** Waits until every port of the canary listens. */
export async function canaryListens(engine: Engine, container: string) {
  const isUp = async () => {
    const events = await canaryEvents(engine, container)
    const failed = events.find(event => event.kind === 'failed')
    if (failed) throw new Error(`the canary cannot listen on port ${failed.port}: ${failed.text}`)
    return events.filter(({ kind }) => kind === 'listening').length > canaryPorts.length
  }
  const up = await until(isUp, { every: 100, timeout: 60_000 })
  if (!up) throw new Error('the canary did not start within 60 s')
}
