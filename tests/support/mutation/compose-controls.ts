import { join } from 'node:path'
import type { Control } from './control.ts'
import type { ComposeConfig } from './mutable-stack.ts'

export type ComposeControl = Control & {
  /** Each of these must be named by the evidence: a control of three services is three controls. */
  services: readonly string[]
  /** What a careless edit of compose.yaml would do. */
  remove: (config: ComposeConfig) => void
}

const agents = ['claude', 'worker']
const all = [...agents, 'gateway', 'proxy']
const namesOnly = [...agents, 'gateway']

/** The value at `path` of a service is taken out, in every service that has it. */
function without(
  control: string,
  path: string,
  probe: string,
  services: readonly string[] = all,
): ComposeControl {
  return {
    control,
    stated: `compose.yaml: ${path}`,
    probe,
    services,
    remove: config => {
      for (const service of services) removeAt(config.services[service], path.split('/'))
    },
  }
}

function removeAt(value: unknown, path: readonly string[]) {
  const [key = '', ...rest] = path
  const record = value as Record<string, unknown>
  if (!(key in record)) throw new Error(`nothing to remove at ${path.join('/')}`)
  if (rest.length > 0) removeAt(record[key], rest)
  else delete record[key]
}

/** Every service's own keys, changed in a way of its own. */
function changed(
  control: string,
  stated: string,
  probe: string,
  services: readonly string[],
  change: (service: Record<string, unknown>, config: ComposeConfig) => void,
): ComposeControl {
  return {
    control,
    stated: `compose.yaml: ${stated}`,
    probe,
    services,
    remove: config => {
      for (const name of services) {
        const service = config.services[name]
        if (!service) throw new Error(`there is no service ${name}`)
        change(service, config)
      }
    },
  }
}

function tmpfsWithout(option: RegExp, control: string, probe: string): ComposeControl {
  return changed(control, `tmpfs, ${control}`, probe, all, service => {
    const before = service.tmpfs as string[]
    service.tmpfs = before.map(mount => mount.replace(option, ''))
  })
}

function network(
  control: string,
  key: string,
  probe: string,
  change: (network: Record<string, unknown>) => void,
  names = ['claude-internal', 'services-internal'],
): ComposeControl {
  return {
    control,
    stated: `compose.yaml: networks, ${key}`,
    probe,
    services: names,
    remove: config => {
      for (const name of names) {
        const network = config.networks[name]
        if (!network) throw new Error(`there is no network ${name}`)
        change(network)
      }
    },
  }
}

const mounts = (service: Record<string, unknown>) => service.volumes as Record<string, unknown>[]
const environment = (service: Record<string, unknown>) =>
  service.environment as Record<string, string>

function mountAt(service: Record<string, unknown>, target: string) {
  const mount = mounts(service).find(candidate => candidate.target === target)
  if (!mount) throw new Error(`nothing is mounted at ${target}`)
  return mount
}

/** All that compose.yaml, with the generated file over it, does for the lock. */
export const composeControls: readonly ComposeControl[] = [
  without('no capabilities', 'cap_drop', 'C2'),
  without('no new privileges', 'security_opt', 'C2'),
  changed('the default seccomp filter', 'security_opt', 'C2', all, service => {
    service.security_opt = ['no-new-privileges:true', 'seccomp:unconfined']
  }),
  without('a read-only system', 'read_only', 'C2'),
  {
    control: 'sessions have a user of their own',
    stated: 'src/stack/keeper.ts',
    probe: 'R1',
    services: [],
    remove: config => {
      for (const service of Object.values(config.services)) {
        const labels = service.labels as Record<string, string>
        labels['claude-secure.keeper'] = String(config.services.claude?.user)
      }
    },
  },
  changed('an IPC namespace of its own', 'ipc', 'C2', all, service => {
    service.ipc = 'host'
  }),
  changed('an ordinary user', 'user', 'C2', namesOnly, service => {
    service.user = '0:0'
    // As root it cannot write to the home and would end at once, again and again: what the audit found would
    // depend on the moment.
    if (String(service.command).includes('claude-secure-seed')) {
      service.command = ['sleep', 'infinity']
    }
  }),
  tmpfsWithout(/,noexec/, 'noexec', 'C2'),
  tmpfsWithout(/,nosuid/, 'nosuid', 'C2'),
  tmpfsWithout(/,nodev/, 'nodev', 'C2'),
  tmpfsWithout(/size=[^,]*,/, 'size', 'C3'),
  changed('not privileged', 'no privileged', 'C2', all, service => {
    service.privileged = true
  }),
  changed('no device of the host', 'no devices', 'C2', all, service => {
    service.devices = ['/dev/zero:/dev/host-zero']
  }),
  changed('no process namespace of the host', 'no pid', 'C2', all, service => {
    service.pid = 'host'
  }),
  changed('no socket of the engine', 'no such volume', 'C2', all, service => {
    const socket = { type: 'bind', source: '/var/run/docker.sock', target: '/tmp/engine.sock' }
    service.volumes = [...((service.volumes as object[]) ?? []), socket]
  }),
  changed('nothing of the host but the workspace', 'volumes', 'C2', agents, service => {
    mounts(service).push({ type: 'bind', source: '/etc', target: '/mnt/etc', read_only: true })
  }),
  changed('policy files are mounted read-only', 'volumes', 'C2', ['proxy'], service => {
    delete mountAt(service, '/etc/claude-secure/proxy').read_only
    delete mountAt(service, '/etc/claude-secure/folder').read_only
  }),
  changed('each folder has its own list', 'volumes', 'N22', ['proxy'], service => {
    const own = mountAt(service, '/etc/claude-secure/folder')
    own.source = mountAt(service, '/etc/claude-secure/proxy').source
  }),
  {
    control: "only the container's own resolvers",
    stated: 'compose.yaml: volumes',
    probe: 'N2',
    services: [],
    remove: config => {
      for (const name of agents) {
        const mount = mountAt(config.services[name] ?? {}, '/etc/resolv.conf')
        mount.source = join(import.meta.dirname, 'foreign-resolv.conf')
      }
    },
  },
  changed('account files are mounted read-only', 'volumes', 'C2', agents, service => {
    delete mountAt(service, '/etc/passwd').read_only
  }),
  without('processes are limited', 'pids_limit', 'C3'),
  changed('memory is limited', 'mem_limit', 'C3', all, service => {
    delete service.mem_limit
    delete service.memswap_limit
  }),
  without('no swap beyond the memory limit', 'memswap_limit', 'C3'),
  without('processor time is limited', 'cpus', 'C3'),
  without('open files are limited', 'ulimits/nofile', 'C3'),
  without('no core dumps', 'ulimits/core', 'C3'),
  without('logs are limited', 'logging', 'C3'),
  without('zombies are reaped', 'init', 'C3'),
  without('IPv6 is off', 'sysctls/net.ipv6.conf.all.disable_ipv6', 'N10'),
  without('services do not route', 'sysctls/net.ipv4.ip_forward', 'N11'),
  without('no resolver but for names of the stack', 'dns', 'N2', namesOnly),
  without('no search domains of the host', 'dns_search', 'N2', namesOnly),
  changed('the agent is on its own network only', 'networks', 'N11', agents, service => {
    service.networks = { 'claude-internal': null, 'services-internal': null }
  }),
  changed('only the proxy has a way out', 'networks', 'N11', ['gateway'], service => {
    service.networks = { ...(service.networks as object), 'proxy-external': null }
  }),
  changed('no port is published', 'no ports', 'N12', ['proxy'], service => {
    service.ports = [{ mode: 'ingress', target: 3128, published: '0', host_ip: '127.0.0.1' }]
  }),
  changed('the home is a volume of the stack', 'volumes, home', 'H3', agents, (service, config) => {
    const home = mountAt(service, '/home/claude')
    Object.assign(home, { type: 'bind', source: mountAt(service, '/workspace').source })
    delete home.volume
    delete config.volumes.home
    delete config.volumes['worker-home']
  }),
  without('after a reboot the agent waits for the filter of the host', 'entrypoint', 'N19', agents),
  changed('the model gateway is the address of the API', 'environment', 'H4', agents, service => {
    environment(service).ANTHROPIC_BASE_URL = 'https://api.anthropic.com'
  }),
  changed('the host manages the provider', 'environment', 'H4', agents, service => {
    delete environment(service).CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST
  }),
  changed('the agent has a placeholder for a key', 'environment', 'S1', agents, service => {
    environment(service).ANTHROPIC_API_KEY = `sk-ant-api03-${'mutation'.repeat(10)}AA`
  }),
  changed('the credential is the gateway’s alone', 'volumes', 'S1', agents, (service, config) => {
    const gateway = config.services.gateway
    if (!gateway) throw new Error('there is no gateway')
    mounts(service).push({ ...mountAt(gateway, '/run/secrets/credential') })
  }),
  changed(
    'the key that names runs is the worker’s',
    'volumes',
    'S1',
    ['claude'],
    (service, config) => {
      const worker = config.services.worker
      if (!worker) throw new Error('there is no worker')
      mounts(service).push({ ...mountAt(worker, '/run/secrets/meter-key') })
    },
  ),
  changed('the counts are the gateway’s alone', 'volumes', 'C2', ['claude'], (service, config) => {
    const gateway = config.services.gateway
    if (!gateway) throw new Error('there is no gateway')
    mounts(service).push({ ...mountAt(gateway, '/var/lib/claude-secure/usage') })
  }),
  network('no route out of the internal networks', 'internal', 'N1', network => {
    delete network.internal
  }),
  network('no address of the host on the internal networks', 'inhibit_ipv4', 'N1', network => {
    delete network.driver_opts
  }),
  network(
    'networks without IPv6',
    'enable_ipv6',
    'N10',
    network => {
      network.enable_ipv6 = true
      network.ipam = { config: [{ subnet: 'fd00:6c61:7564:6974::/64' }] }
    },
    ['claude-internal'],
  ),
]

/** Keys of a service that are no controls, and why. */
export const notControls: Readonly<Record<string, string>> = {
  image: 'which image it is; the images have controls of their own',
  command: 'what runs',
  hostname: 'a name',
  profiles: 'when a service comes up',
  working_dir: 'where a session begins',
  labels: 'how the stack is found again',
  healthcheck: 'says when a service is ready',
  restart: 'brings a service back; while it is away nothing gets out',
  shm_size: 'raises the 64 MB of the engine; the memory limit counts what is written there',
  stop_grace_period: 'how long an end may take',
}
