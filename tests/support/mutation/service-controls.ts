import type { Control } from './control.ts'
import type { ComposeConfig } from './mutable-stack.ts'

export type ServiceControl = Control & { remove: (config: ComposeConfig) => void }

const file = 'src/stack/additions/added-service.ts'

function control(
  name: string,
  stated: string,
  probe: string,
  change: (service: Record<string, unknown>) => void,
): ServiceControl {
  return {
    control: `a service beside the agent: ${name}`,
    stated: `${file}: ${stated}`,
    probe,
    remove({ services: { echo } }) {
      if (!echo) throw new Error('the stack has no service echo')
      change(echo)
    },
  }
}

const networks = (service: Record<string, unknown>) => service.networks as Record<string, unknown>

/** What holds a service that the user puts beside the agent. */
export const serviceControls: readonly ServiceControl[] = [
  control('approved', 'summarise', 'B1', service => {
    delete (service.labels as Record<string, unknown>)['claude-secure.services']
  }),
  control('on the network of the agent alone', 'networks', 'B1', service => {
    networks(service)['services-internal'] = {}
  }),
  control('no way out', 'networks', 'B1', service => {
    networks(service)['proxy-external'] = {}
  }),
  control(
    'waits for the filter of the host after a reboot',
    'renderWhenFiltered',
    'B1',
    service => {
      delete service.entrypoint
    },
  ),
  control('no published port', 'no ports', 'N12', service => {
    service.ports = [{ target: 7007, published: '0', host_ip: '127.0.0.1' }]
  }),
  control('only its stated ports', 'expose', 'N11', service => {
    service.command = (service.command as string[]).map(word => word.replace('7007', '7008'))
  }),
  control('no capabilities', 'hardening', 'C2', service => {
    delete service.cap_drop
  }),
  control('a read-only system', 'read_only', 'C2', service => {
    service.read_only = false
  }),
  control('an ordinary user', 'user', 'C2', service => {
    service.user = '0:0'
  }),
  control('nothing of the host', 'volumes', 'C2', service => {
    service.volumes = [{ type: 'bind', source: '/etc', target: '/data', read_only: true }]
  }),
  control('memory is limited', 'mem_limit', 'C3', service => {
    delete service.mem_limit
    delete service.memswap_limit
  }),
]
