import t from 'tap'
import { folderStack } from '../../../src/stack/identity.ts'
import { labels } from '../../../src/stack/labels.ts'
import { type Stack, stackVariables } from '../../../src/stack/stack.ts'
import { buildStackFile } from '../../../src/stack/stack-file.ts'
import { stackValue as stack } from '../../support/stack/stack-value.ts'

// The shape under test is compose's, which has no types here.
const file = (value: Stack) => JSON.parse(JSON.stringify(buildStackFile(value, 'f00d')))

t.test('the secret is in nothing that compose or the engine gets', async t => {
  for (const mode of ['api-key', 'oauth-token', 'login', 'rehearsal'] as const) {
    const value = stack({ mode })
    t.notMatch(JSON.stringify([file(value), stackVariables(value)]), /sk-real-secret/)
  }
})

t.test('the workspace is mounted, and is never made by the engine', async t => {
  t.match(file(stack()).services.claude.volumes, [
    {
      type: 'bind',
      source: '/home/me/project',
      target: '/workspace',
      bind: { create_host_path: false },
    },
  ])
})

t.test('a copy is a volume: no path of the host is in the agent container', async t => {
  const workspace = { ...stack().workspace, mode: 'copy' as const }
  const { services, volumes } = file(stack({ workspace }))
  t.same(services.claude.volumes, [{ type: 'volume', source: 'workspace', target: '/workspace' }])
  t.same(volumes, { workspace: {} })
})

t.test('an owner whom the image does not know gets a name', async t => {
  const workspace = { ...stack().workspace, agent: { uid: 4242, gid: 4242 } }
  const { volumes } = file(stack({ workspace })).services.claude
  t.match(volumes.slice(1), [
    { source: '/s/passwd', target: '/etc/passwd', read_only: true },
    { source: '/s/group', target: '/etc/group', read_only: true },
  ])
})

t.test('a folder name with a dollar sign is not a variable', async t => {
  const workspace = { ...stack().workspace, path: '/home/me/$HOME' }
  const identity = folderStack(workspace.path)
  const { services } = file(stack({ identity, workspace }))
  t.equal(services.claude.volumes[0].source, '/home/me/$$HOME')
  t.equal(services.claude.labels[labels.workspace], '/home/me/$$HOME')
})

t.test('the agent talks to the gateway with its placeholder, except in login mode', async t => {
  t.match(file(stack()).services.claude.environment, {
    ANTHROPIC_BASE_URL: 'http://gateway:8787',
    ANTHROPIC_API_KEY: 'sk-ant-api03-placeholder',
  })
  const token = { kind: 'oauth-token' as const, placeholder: 'sk-ant-oat01-placeholder' }
  t.match(file(stack({ mode: 'oauth-token', placeholder: token })).services.claude.environment, {
    CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-placeholder',
    ANTHROPIC_API_KEY: undefined,
  })
  const login = file(stack({ mode: 'login' })).services.claude
  t.same(login.environment, {
    ANTHROPIC_BASE_URL: 'https://api.anthropic.com',
    CLAUDE_SECURE_PROTECTED: '[".devcontainer.json",".mcp.json"]',
  })
  t.match(login.volumes[1], { target: '/etc/claude-code/managed-settings.json', read_only: true })
})

t.test('git in the container is told the paths that it cannot change; none in a copy', async t => {
  const overlay = { writable: false, identity: '1', placeholder: { kind: 'folder' as const } }
  const overlays = [
    { ...overlay, path: '.git', writable: true },
    { ...overlay, path: '.git/config' },
    { ...overlay, path: '.vscode' },
  ]
  const told = (more: object) =>
    file(stack({ overlays, ...more })).services.claude.environment.CLAUDE_SECURE_PROTECTED
  t.equal(told({}), '[".devcontainer.json",".git/config",".mcp.json",".vscode"]')
  const settings = { ...stack().settings, PROTECT: '-.mcp.json,-.devcontainer.json' }
  t.equal(told({ settings }), '[".git/config",".vscode"]')
  t.equal(told({ workspace: { ...stack().workspace, mode: 'copy' } }), undefined)
})

t.test('only login mode opens the login names for the agent', async t => {
  t.equal(stackVariables(stack({ mode: 'login' })).AGENT_DIRECT, '1')
  for (const mode of ['api-key', 'oauth-token', 'rehearsal'] as const) {
    t.equal(stackVariables(stack({ mode })).AGENT_DIRECT, '')
  }
})

t.test(
  'only the rehearsal leaves out the proxy, and it goes nowhere but to the rehearsal',
  async t => {
    t.match(stackVariables(stack({ mode: 'rehearsal' })), {
      UPSTREAM_URL: 'http://rehearsal:8788',
      GATEWAY_PROXY_URL: '',
    })
    t.match(stackVariables(stack()), {
      UPSTREAM_URL: 'https://api.anthropic.com',
      GATEWAY_PROXY_URL: 'http://egress:3128',
    })
  },
)

t.test('keys that an engine does not know are not given to it', async t => {
  t.match(file(stack({ engineMajor: 23 })).services.proxy.healthcheck, {
    interval: '1s',
    start_interval: undefined,
  })
  t.match(file(stack({ engineMajor: 26 })).services.proxy.healthcheck, { start_interval: '250ms' })
  t.equal(file(stack({ engineMajor: 26 })).networks['claude-internal'], undefined)
  t.match(file(stack({ engineMajor: 28 })).networks['claude-internal'].driver_opts, {
    'com.docker.network.bridge.gateway_mode_ipv4': 'isolated',
  })
})

t.test('settings reach the service they are for', async t => {
  const { services, networks } = file(
    stack(
      {},
      {
        EXTRA_CA_CERTS: '/etc/ca.pem',
        PROXY_DNS: '192.0.2.53',
        EXTERNAL_SUBNET: '203.0.113.0/24',
        RUNTIME: 'runsc',
      },
    ),
  )
  t.match(services.gateway.volumes, [{ source: '/etc/ca.pem', read_only: true }])
  t.match(services.gateway.environment, { NODE_EXTRA_CA_CERTS: '/etc/claude-secure/extra-ca.pem' })
  t.same(services.proxy.dns, ['192.0.2.53'])
  t.same(networks['proxy-external'].ipam.config, [{ subnet: '203.0.113.0/24' }])
  t.equal(services.claude.runtime, 'runsc')
  t.equal(services.proxy.runtime, undefined)
})

t.test(
  'overlays are mounts of the workspace over itself, read-only but for the folders above',
  async t => {
    const placeholder = { kind: 'folder' } as const
    const overlays = [
      { path: '.git', writable: true, identity: '1:2:3', placeholder },
      { path: '.git/config', writable: false, identity: '1:3:3', placeholder },
    ]
    const { volumes, labels: known } = file(stack({ overlays })).services.claude
    t.match(volumes.slice(1, 3), [
      {
        source: '/home/me/project/.git',
        target: '/workspace/.git',
        bind: { create_host_path: false },
      },
      { source: '/home/me/project/.git/config', target: '/workspace/.git/config', read_only: true },
    ])
    t.notOk(volumes[1].read_only)
    const replaced = overlays.map(overlay => ({ ...overlay, identity: '1:4:4' }))
    t.not(
      known[labels.overlays],
      file(stack({ overlays: replaced })).services.claude.labels[labels.overlays],
    )
  },
)

t.test('what the user adds reaches the agent, and no other service', async t => {
  const additions = {
    environment: { GREETING: 'a $HOME', ANTHROPIC_BASE_URL: 'https://evil.test' },
    declared: [{ source: '/data/$x', target: '/mnt/data', writable: false }],
    folders: [],
    files: [],
    gitHosts: null,
    setupCommands: [],
  }
  const { claude, gateway, proxy } = file(stack({ additions })).services
  t.equal(claude.environment.GREETING, 'a $$HOME', 'no variable of compose')
  t.equal(claude.environment.ANTHROPIC_BASE_URL, 'http://gateway:8787', 'ours has the last word')
  t.match(claude.volumes.at(-1), {
    source: '/data/$$x',
    target: '/mnt/data',
    read_only: true,
    bind: { create_host_path: false },
  })
  t.match(claude.labels[labels.mounts], '/data/$$x')
  t.notMatch(JSON.stringify([gateway.volumes, gateway.environment, proxy.volumes]), /GREETING|data/)
})
