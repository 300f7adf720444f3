import type { Attacker } from './attacker.ts'
import type { InspectedContainer } from './inspections.ts'

/** An address and a port to try from a container. */
export type Target = { host: string; port: number }

export function targetText({ host, port }: Target): string {
  return `${host}:${port}`
}

/** Milliseconds for an answer, on a busy machine too. Most attempts fail at once, for want of a route. */
const patience = 8_000

/** Throws unless a service that speaks HTTP answers: otherwise the failure of an attack would prove nothing. */
export async function mustAnswer(
  attacker: Pick<Attacker, 'dial'>,
  { host, port }: Target,
): Promise<void> {
  const request = { send: 'HEAD / HTTP/1.0\r\n\r\n', until: 'HTTP/', wait: 15_000 }
  const { connected, error } = await attacker.dial(host, port, request)
  if (!connected)
    throw new Error(`${host}:${port}, which it may use, gives ${error ?? 'no answer'}`)
}

/**
 * Returns the targets to which a container has a packet path, all tried at once: they accept a connection, or refuse
 * it themselves.
 */
export async function reachable(
  attacker: Pick<Attacker, 'dial'>,
  targets: readonly Target[],
): Promise<string[]> {
  const answers = await Promise.all(
    targets.map(async target => ({
      target,
      ...(await attacker.dial(target.host, target.port, { wait: patience })),
    })),
  )
  return answers
    .filter(({ connected, error }) => connected || error === 'ECONNREFUSED')
    .map(({ target }) => targetText(target))
}

/** Returns the addresses of a container on networks whose name matches; on all of them without a pattern. */
export function addressesOf(container: InspectedContainer, networks = /^/): string[] {
  return Object.entries(container.NetworkSettings.Networks)
    .filter(([name]) => networks.test(name))
    .map(([, { IPAddress }]) => IPAddress)
    .filter(address => address !== '')
}
