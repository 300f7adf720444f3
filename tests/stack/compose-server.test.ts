import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { z } from 'zod'

const root = join(import.meta.dirname, '../..')
const Service = z.looseObject({
  user: z.string().optional(),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]),
  volumes: z.array(z.unknown()).optional(),
  tmpfs: z.array(z.string()),
  environment: z.record(z.string(), z.unknown()).optional(),
})
const Stack = z.looseObject({
  'x-hardened': z.looseObject({}),
  'x-stack-names-only': z.looseObject({}),
  services: z.record(z.string(), Service),
  networks: z.record(
    z.string(),
    z.looseObject({ internal: z.boolean().optional(), enable_ipv6: z.boolean() }),
  ),
  volumes: z.record(z.string(), z.looseObject({ name: z.string() })),
})
const read = async (name: string) =>
  Stack.parse(parse(await readFile(join(root, name), 'utf8'), { merge: true }))
const folder = await read('compose.yaml')
const server = await read('compose.server.yaml')
const { services, networks } = server

const networksOf = (name: string) => {
  const list = services[name]?.networks ?? []
  return Array.isArray(list) ? list : Object.keys(list)
}
const isGrantsFolder = (volume: unknown) => JSON.stringify(volume).includes('SERVER_GRANTS')
const without = (value: object | undefined, names: readonly string[]) =>
  Object.fromEntries(Object.entries(value ?? {}).filter(([name]) => !names.includes(name)))

t.test('the hardening is that of compose.yaml', async t => {
  t.strictSame(server['x-hardened'], folder['x-hardened'])
  t.strictSame(server['x-stack-names-only'], folder['x-stack-names-only'])
})

t.test('every service has all of it, or states a limit of its own', async t => {
  const own = [
    'mem_limit',
    'memswap_limit',
    'cpus',
    'pids_limit',
    'tmpfs',
    'stop_grace_period',
    'ulimits',
  ]
  for (const [name, service] of Object.entries(services)) {
    t.match(service, without(server['x-hardened'], own), name)
    for (const key of own) t.ok(service[key], `${name} ${key}`)
    t.match(service.ulimits, { core: 0 }, name)
    t.equal(service.mem_limit, service.memswap_limit, `${name} has no swap`)
    t.ok(service.healthcheck, `${name} has a health check`)
    for (const mount of service.tmpfs) t.match(mount, /size=\d+[mg],mode=1777,noexec,nosuid,nodev$/)
    t.same(service.dns, name === 'proxy' ? undefined : ['127.0.0.1'], name)
  }
})

t.test('no service has an option that undoes the hardening', async t => {
  const undoing = [
    ...['privileged', 'cap_add', 'devices', 'pid', 'network_mode', 'userns_mode', 'cgroup'],
    ...['extra_hosts', 'volumes_from', 'env_file'],
  ]
  for (const [name, service] of Object.entries(services)) {
    for (const key of undoing) t.equal(service[key], undefined, `${name} ${key}`)
    t.notMatch(JSON.stringify(service.volumes ?? []), /docker\.sock|\/var\/run/, name)
    t.equal(service.ports !== undefined, name === 'ingress', `${name} publishes`)
  }
})

t.test(
  'the worker is the worker of compose.yaml, with other files and its own network',
  async t => {
    const [theirs, ours] = [folder.services.worker, services['worker-main']]
    const differs = ['networks', 'volumes', 'profiles', 'working_dir', 'environment']
    t.strictSame(without(ours, differs), without(theirs, differs))
    const environment = without(ours?.environment, [
      ...['ANTHROPIC_BASE_URL', 'CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST'],
      ...['RUNNER_FOLDER', 'RUNNER_RUNS', 'RUNNER_TOKEN_FILE', 'RUNNER_METER_KEY_FILE'],
    ])
    t.equal(ours?.environment?.RUNNER_RUNS, '${RUN_LIMIT?}', 'it holds the limit of its tenant')
    // Without the names of services that are not there.
    const adapt = (value: unknown) =>
      typeof value === 'string'
        ? value
            .replace('claude,worker', 'worker')
            .replace('claude|worker', 'worker')
            .replace(/\$\{ADDED_\w+\?\}/, '')
        : value
    const expected = Object.fromEntries(
      Object.entries(theirs?.environment ?? {}).map(([name, value]) => [name, adapt(value)]),
    )
    t.strictSame(environment, expected)
  },
)

t.test('gateway and proxy are those of compose.yaml, on other networks', async t => {
  for (const name of ['gateway', 'proxy', 'rehearsal']) {
    const differs = ['networks', 'user', 'environment']
    const ours: Record<string, unknown> = without(services[name], differs)
    // A folder's stack has no grants of a server.
    if (name === 'proxy') {
      const grants = services.proxy?.volumes?.filter(isGrantsFolder)
      t.match(grants, [{ read_only: true }])
      ours.volumes = services.proxy?.volumes?.filter(volume => !isGrantsFolder(volume))
    }
    t.strictSame(ours, without(folder.services[name], differs), name)
    // GIT_SITES: a server's stack reaches no repositories.
    const added = ['AGENT_ALIASES', 'SERVER_ALIAS', 'AGENT_DIRECT', 'GIT_SITES']
    t.strictSame(
      without(services[name]?.environment, added),
      without(folder.services[name]?.environment, added),
      name,
    )
  }
  t.equal(services.proxy?.environment?.AGENT_DIRECT, '', 'no tenant gets the login names')
})

t.test('each network has the two sides of one conversation', async t => {
  const members = (network: string) =>
    Object.keys(services).filter(name => networksOf(name).includes(network))
  t.same(members('tenant-main-internal'), ['worker-main', 'gateway', 'proxy'])
  t.same(members('services-internal'), ['gateway', 'proxy', 'rehearsal'])
  t.same(members('server-internal'), ['server', 'proxy'])
  t.same(members('front-internal'), ['ingress', 'server'])
  t.same(members('server-ingress'), ['ingress'])
  t.same(members('proxy-external'), ['proxy'])
})

t.test('only the ingress and the proxy have a network that is not internal', async t => {
  for (const [name, network] of Object.entries(networks)) {
    t.equal(network.enable_ipv6, false, name)
    t.equal(network.internal ?? false, name.endsWith('-internal'), name)
    if (network.internal) {
      t.match(network.driver_opts, { 'com.docker.network.bridge.inhibit_ipv4': 'true' }, name)
    }
  }
  t.match(networks['server-ingress']?.driver_opts, {
    'com.docker.network.bridge.enable_ip_masquerade': 'false',
  })
})

t.test('what the server and the workers only read is mounted read-only', async t => {
  const writable = (name: string) =>
    (services[name]?.volumes ?? []).flatMap(volume => {
      if (typeof volume === 'string') return volume.endsWith(':ro') ? [] : [volume.split(':')[1]]
      const mount = z.looseObject({ target: z.string() }).parse(volume)
      return mount.read_only ? [] : [mount.target]
    })
  t.same(writable('server'), [
    '/var/lib/claude-secure/server',
    '/var/lib/claude-secure/grants',
    '/workspaces/main',
  ])
  t.same(writable('worker-main'), ['/home/claude', '/workspaces', '/run/claude-secure'])
  t.same(writable('gateway'), ['/var/lib/claude-secure/usage'])
  t.same(writable('proxy'), [])
  t.same(writable('ingress'), [])
})

t.test('no service gets a secret through its environment', async t => {
  const text = await readFile(join(root, 'compose.server.yaml'), 'utf8')
  t.notMatch(text, /ANTHROPIC_API_KEY|OAUTH_TOKEN|API_TOKEN/)
})
