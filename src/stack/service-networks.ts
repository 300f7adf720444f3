/** The networks of each service, as compose.yaml has them; a test holds the two equal. */
export const serviceNetworks: Record<string, readonly string[]> = {
  claude: ['claude-internal'],
  gateway: ['claude-internal', 'services-internal'],
  proxy: ['claude-internal', 'proxy-external', 'services-internal'],
  rehearsal: ['services-internal'],
  worker: ['claude-internal'],
}

/**
 * Whether a container is on all networks of its service. One that was cut off by hand, or by an engine
 * that lost a network, counts itself healthy, and compose sees no reason to touch it.
 */
export function isOnItsNetworks(
  stack: string,
  service: string,
  networks: Record<string, unknown> | undefined,
): boolean {
  const labels = Object.keys(networks ?? {}).map(name => name.replace(`${stack}_`, ''))
  return membership(service, labels).missing.length === 0
}

/** Compares the networks that a container is on, named as in compose.yaml, with those of its service. */
export function membership(service: string, networks: readonly string[]) {
  const wanted = serviceNetworks[service] ?? []
  return {
    missing: wanted.filter(name => !networks.includes(name)),
    foreign: networks.filter(name => !wanted.includes(name)),
  }
}
