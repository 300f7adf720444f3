import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { z } from 'zod'
import { services as table } from '../../src/stack/services.ts'

const root = join(import.meta.dirname, '../..')
const Service = z.looseObject({
  user: z.string().optional(),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]),
  volumes: z.array(z.unknown()).optional(),
  tmpfs: z.array(z.string()),
})
const Stack = z.looseObject({
  services: z.record(z.string(), Service),
  networks: z.record(
    z.string(),
    z.looseObject({ internal: z.boolean().optional(), enable_ipv6: z.boolean() }),
  ),
  volumes: z.record(z.string(), z.object({ name: z.string() })),
})
const text = await readFile(join(root, 'compose.yaml'), 'utf8')
const { services, networks, volumes } = Stack.parse(parse(text, { merge: true }))

const networksOf = (name: string) => {
  const list = services[name]?.networks ?? []
  return Array.isArray(list) ? list : Object.keys(list)
}

t.test('the stack has these services and no other', async t => {
  t.same(Object.keys(services), ['claude', 'worker', 'gateway', 'proxy', 'rehearsal'])
})

t.test('the table of services agrees with compose.yaml', async t => {
  t.same(
    table.map(({ name }) => name),
    Object.keys(services),
  )
  for (const { name, image, profile, home, credential } of table) {
    const service = services[name]
    t.equal(service?.image, `\${${image.toUpperCase()}_IMAGE:?}`, name)
    t.same(service?.profiles, profile ? [profile] : undefined, name)
    const mounted = JSON.stringify(service?.volumes ?? [])
    t.equal(mounted.includes('/home/claude'), home !== null, name)
    if (home) {
      t.ok(mounted.includes(`"${home.volume}:/home/claude"`), name)
      t.equal(volumes[home.volume]?.name, `\${${home.variable}:?}`, name)
    }
    t.equal(mounted.includes('/run/secrets/credential'), credential === 'secret', name)
  }
})

for (const [name, service] of Object.entries(services)) {
  t.test(`${name} is hardened`, async t => {
    t.match(service, {
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      read_only: true,
      init: true,
      ipc: 'private',
      restart: 'always',
      logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
      ulimits: { core: 0 },
      sysctls: { 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv4.ip_forward': 0 },
    })
    t.ok(service.healthcheck, 'has a health check')
    t.equal(service.mem_limit, service.memswap_limit, 'no swap')
    t.ok(service.pids_limit && service.cpus, 'bounded processes and processors')
    for (const mount of service.tmpfs) t.match(mount, /size=\d+[mg],mode=1777,noexec,nosuid,nodev$/)
  })

  t.test(`${name} has no option that undoes the hardening`, async t => {
    for (const key of [
      'privileged',
      'cap_add',
      'devices',
      'pid',
      'network_mode',
      'ports',
      'userns_mode',
      'cgroup',
      'extra_hosts',
      'volumes_from',
      'env_file',
    ]) {
      t.equal(service[key], undefined, key)
    }
    t.notMatch(JSON.stringify(service.volumes ?? []), /docker\.sock|\/var\/run/)
  })
}

t.test('the agent is on the internal network alone; only the proxy has a way out', async t => {
  for (const { name, networks } of table) {
    t.same([...networksOf(name)].sort(), networks, `what start looks for is what ${name} is given`)
  }
  t.same(networksOf('claude'), ['claude-internal'])
  t.same(networksOf('worker'), ['claude-internal'])
  t.same(networksOf('gateway'), ['claude-internal', 'services-internal'])
  t.same(networksOf('rehearsal'), ['services-internal'])
  t.same(networksOf('proxy'), ['claude-internal', 'services-internal', 'proxy-external'])
})

t.test('internal networks are internal, without an address of the host', async t => {
  for (const [name, network] of Object.entries(networks)) {
    t.equal(network.enable_ipv6, false, name)
    if (name === 'proxy-external') continue
    t.equal(network.internal, true, name)
    t.match(network.driver_opts, { 'com.docker.network.bridge.inhibit_ipv4': 'true' }, name)
  }
})

t.test('only the proxy can ask a resolver outside of the stack', async t => {
  for (const [name, service] of Object.entries(services)) {
    t.same(service.dns, name === 'proxy' ? undefined : ['127.0.0.1'], name)
  }
})

t.test(
  'the proxy answers to `proxy` on the agent side and to `egress` on the other, never to both',
  async t => {
    t.match(services.proxy?.networks, {
      'claude-internal': { aliases: ['proxy', 'proxy-agent'] },
      'services-internal': { aliases: ['egress', 'proxy-services'] },
    })
  },
)

t.test('sessions and runs share no home', async t => {
  const homes = ['claude', 'worker'].map(name => services[name]?.volumes?.[0])
  t.same(homes, ['home:/home/claude', 'worker-home:/home/claude'])
})

t.test(
  'nothing of the agent starts without evidence that the host drops its datagrams',
  async t => {
    const target = '/etc/claude-secure/filter'
    for (const name of ['claude', 'worker']) {
      const entrypoint = ['/usr/local/bin/claude-secure-when-filtered', target]
      t.same(services[name]?.entrypoint, entrypoint, name)
      const mount = { type: 'bind', source: '${FILTER_FILE:?}', target, read_only: true }
      t.same(services[name]?.volumes?.slice(1), [{ ...mount, bind: { create_host_path: false } }])
    }
  },
)

t.test('no service gets a secret through its environment', async t => {
  t.notMatch(text, /ANTHROPIC_API_KEY|OAUTH_TOKEN/)
})
