import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { Settings } from '../../../../src/config/settings.ts'
import { stackIdentity } from '../../../../src/stack/identity.ts'
import {
  buildServerFile,
  readServerTemplate,
  renderServerFile,
} from '../../../../src/stack/server/server-file.ts'
import {
  networksOfServer,
  type ServerStack,
  serverVariables,
  serverVolumes,
  servicesOfServer,
} from '../../../../src/stack/server/server-stack.ts'
import { serverNetworks, tenantOf, tenantParts } from '../../../../src/stack/services.ts'
import { stateFolder } from '../../../../src/stack/state/state-folder.ts'

const root = join(import.meta.dirname, '../../../..')
const template = await readServerTemplate(root)
const tenant = (name: string) => ({ name, budget: {} })

function serverStack(names: readonly string[], changes: Partial<ServerStack> = {}): ServerStack {
  return {
    identity: stackIdentity({ kind: 'server', server: 'prod' }),
    settings: Settings.parse({ ANTHROPIC_API_KEY: `sk-ant-api03-${'x'.repeat(40)}` }),
    mode: 'api-key',
    modes: ['api'],
    schedules: null,
    telegram: null,
    tenants: names.map(tenant),
    placeholders: Object.fromEntries(names.map(name => [name, `sk-ant-api03-for-${name}`])),
    placeholderKind: 'api-key',
    user: { uid: 1000, gid: 1000 },
    workspaces: '/w',
    images: { claude: 'c:1', gateway: 'g:1', proxy: 'p:1', server: 's:1' },
    state: stateFolder('claude-secure-server-prod-00000000', '/s'),
    bind: { address: '127.0.0.1', port: 8080, withoutToken: false },
    root,
    engineMajor: 26,
    engineKind: 'docker',
    ...changes,
  }
}

const File = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      networks: z.unknown().optional(),
      volumes: z.array(z.unknown()).optional(),
      environment: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().optional() })),
  volumes: z.record(z.string(), z.looseObject({ name: z.string() })),
})
const fileOf = (stack: ServerStack) => File.parse(buildServerFile(stack, template))

t.test('the server alone gets the chats and the token of its bot, as files', async t => {
  const token = '/s/telegram-token'
  const stack = serverStack(['main', 'team-b'], {
    modes: ['telegram'],
    telegram: { folder: '/c/telegram', file: 'chats.yml', token, mark: 'abcd0123', people: 1 },
  })
  const { services } = fileOf(stack)
  t.match(services.server?.volumes, [
    { source: '/c/telegram', target: '/etc/claude-secure/telegram', read_only: true },
    { source: token, target: '/run/secrets/telegram', read_only: true },
  ])
  const others = Object.entries(services).filter(([name]) => name !== 'server')
  t.notMatch(JSON.stringify(others), /telegram/)
  t.match(serverVariables(stack), {
    SERVER_MODES: 'telegram',
    TELEGRAM_FILE: '/etc/claude-secure/telegram/chats.yml',
    TELEGRAM_MARK: 'abcd0123',
    TELEGRAM_PEOPLE: '1',
  })
  t.match(serverVariables(serverStack(['main'])), { TELEGRAM_FILE: '', TELEGRAM_PEOPLE: '' })
})

t.test(
  'a server without the API publishes no port, and one with schedules reads their folder',
  async t => {
    const api = await renderServerFile(serverStack(['main']))
    t.notMatch(api, /ports|schedules/)
    const stack = serverStack(['main'], {
      modes: ['schedules'],
      schedules: { folder: '/c/schedules', file: 'jobs.yml' },
    })
    const alone = await renderServerFile(stack)
    t.match(alone, /^ {2}ingress:\n(?: {4}.*\n)* {4}ports: !reset \[\]\n/m)
    t.match(serverVariables(stack), {
      SERVER_MODES: 'schedules',
      CRON_FILE: '/etc/claude-secure/schedules/jobs.yml',
    })
    t.match(fileOf(stack).services.server?.volumes, [
      { source: '/c/schedules', target: '/etc/claude-secure/schedules', read_only: true },
    ])
  },
)

t.test('one more tenant is the worker of main with parts of its own', async t => {
  const { services, networks, volumes } = fileOf(serverStack(['main', 'team-b']))
  const worker = services['worker-team-b']
  t.same(worker?.networks, ['tenant-team-b-internal'])
  const text = JSON.stringify(worker)
  t.notMatch(text, /main/, 'nothing of main is left')
  t.match(text, /\$\{WORKSPACES_DIR:\?\}\/team-b"/)
  t.match(text, /\$\{RUNNER_TOKENS:\?\}\/team-b"/)
  t.match(text, /\$\{METER_KEYS:\?\}\/team-b"/)
  t.match(text, /"runner-team-b:\/run\/claude-secure"/)
  t.match(worker, {
    read_only: true,
    cap_drop: ['ALL'],
    mem_limit: '${AGENT_MEMORY:?}',
    entrypoint: ['/usr/local/bin/claude-secure-when-filtered', '/etc/claude-secure/filter'],
    environment: { ANTHROPIC_API_KEY: 'sk-ant-api03-for-team-b', HOME: '/home/claude' },
  })
  t.match(networks['tenant-team-b-internal'], {
    internal: true,
    enable_ipv6: false,
    driver_opts: { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
  })
  t.match(volumes['runner-team-b'], { driver_opts: { type: 'tmpfs' } })
  t.not(volumes['worker-team-b-home']?.name, volumes['worker-main-home']?.name)
})

t.test(
  'gateway and proxy meet each tenant on its own network; no worker meets another',
  async t => {
    const { services } = fileOf(serverStack(['main', 'a', 'b']))
    t.same(services.gateway?.networks, {
      'tenant-a-internal': { aliases: ['gateway', 'gateway-tenant-a'] },
      'tenant-b-internal': { aliases: ['gateway', 'gateway-tenant-b'] },
    })
    t.same(services.proxy?.networks, {
      'tenant-a-internal': { aliases: ['proxy', 'proxy-tenant-a'] },
      'tenant-b-internal': { aliases: ['proxy', 'proxy-tenant-b'] },
    })
    for (const name of ['server', 'ingress']) t.equal(services[name]?.networks, undefined, name)
    const { AGENT_ALIASES: aliases } = serverVariables(serverStack(['main', 'a', 'b']))
    t.equal(aliases, 'proxy-tenant-main proxy-tenant-a proxy-tenant-b')
  },
)

t.test('the server gets each socket read-only, and the folders of the tenants alone', async t => {
  const { services } = fileOf(serverStack(['main', 'a']))
  t.match(services.server?.volumes, [
    { source: '/w/a', target: '/workspaces/a', bind: { create_host_path: false } },
    'runner-a:/run/claude-secure/workers/a:ro',
  ])
  t.notMatch(JSON.stringify(services.server), /placeholder|sk-ant|\/meter|credential\.json/)
})

t.test('a placeholder reaches its own worker alone', async t => {
  const { services } = fileOf(serverStack(['main', 'a']))
  for (const [name, service] of Object.entries(services)) {
    const found = [...JSON.stringify(service).matchAll(/sk-ant-api03-for-([a-z]+)/g)]
    t.same(
      found.map(([, tenant]) => tenant),
      name.startsWith('worker-') ? [name.replace('worker-', '')] : [],
      name,
    )
  }
})

t.test('without main its worker does not run, and its network stays for the others', async t => {
  const stack = serverStack(['a'])
  t.same(servicesOfServer(stack), ['ingress', 'server', 'gateway', 'proxy', 'worker-a'])
  t.ok(networksOfServer(stack).includes('tenant-main-internal'))
  t.same(
    serverVolumes(stack).map(({ key }) => key),
    ['worker-main-home', 'worker-a-home'],
  )
})

t.test('no variable and no file holds the secret of the model', async t => {
  const stack = serverStack(['main'])
  t.notMatch(JSON.stringify([serverVariables(stack), fileOf(stack)]), /x{40}/)
})

t.test('the networks of each service', async t => {
  const tenants = ['main', 'a']
  t.same(serverNetworks('worker-a', tenants), ['tenant-a-internal'])
  t.same(serverNetworks('server', tenants), ['front-internal', 'server-internal'])
  t.same(serverNetworks('gateway', tenants), [
    'services-internal',
    'tenant-main-internal',
    'tenant-a-internal',
  ])
  t.equal(tenantOf(tenantParts('a-b').service), 'a-b')
  t.equal(tenantOf('worker'), null)
  t.equal(tenantOf('worker-A'), null)
})
