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
  const wanted = serviceNetworks[service]
  return wanted === undefined || wanted.every(name => `${stack}_${name}` in (networks ?? {}))
}
