import { renderNetworkLabels } from './render-labels.ts'
import type { Stack } from './stack.ts'
import type { StackSubnets } from './subnets.ts'

const isolated = {
  'com.docker.network.bridge.gateway_mode_ipv4': 'isolated',
  'com.docker.network.bridge.gateway_mode_ipv6': 'isolated',
}

type Networks = Pick<Stack, 'identity' | 'engineMajor' | 'settings' | 'mtu'> & {
  subnets?: StackSubnets | undefined
}

/**
 * Renders the networks of a stack, for a compose file: labels, subnet, MTU, and the isolation that engines know
 * from 28 on.
 *
 * @param stated what the compose file does not state itself about a network
 */
export function renderNetworks(
  { identity, engineMajor, settings, subnets, mtu }: Networks,
  names: readonly string[],
  stated: (name: string) => { driver_opts?: object } = () => ({}),
): Record<string, object> {
  const { EXTERNAL_SUBNET: external } = settings
  const chosen: StackSubnets = { ...subnets, ...(external && { 'proxy-external': external }) }
  const labels = renderNetworkLabels(identity)
  const entries = names.map((name): [string, object] => {
    const base = stated(name)
    const options = {
      ...base.driver_opts,
      ...(engineMajor >= 28 && name.endsWith('-internal') && isolated),
      ...(mtu && { 'com.docker.network.driver.mtu': String(mtu) }),
    }
    const subnet = chosen[name]
    const network = {
      ...base,
      labels,
      ...(Object.keys(options).length > 0 && { driver_opts: options }),
      ...(subnet && { ipam: { config: [{ subnet }] } }),
    }
    return [name, network]
  })
  return Object.fromEntries(entries)
}
