import t from 'tap'
import { loadCustomSettings, loadSettings } from '../../../src/config/load-settings.ts'
import {
  isCustomName,
  settingNames,
  settingsInEnvironment,
} from '../../../src/config/setting-names.ts'

t.test('without anything set the defaults hold', async t => {
  const settings = await loadSettings(t.testdir({}), {})
  t.match(settings, { CREDENTIALS: 'auto', WORKSPACE_MODE: 'auto', AGENT_MEMORY: '4g' })
  t.equal(settings.ANTHROPIC_API_KEY, undefined)
})

t.test('the environment wins over .env', async t => {
  const root = t.testdir({ '.env': 'AGENT_MEMORY=1g\nAGENT_CPUS=1\n' })
  const settings = await loadSettings(root, { AGENT_MEMORY: '3g', UNRELATED: 'x' })
  t.match(settings, { AGENT_MEMORY: '3g', AGENT_CPUS: '1' })
})

t.test("claudebox's own name of a setting is one of it", async t => {
  const root = t.testdir({ '.env': 'CLAUDE_SSH_DIR=/keys\n' })
  t.equal((await loadSettings(root, {})).SSH_DIR, '/keys')
  t.equal((await loadSettings(root, { CLAUDE_SSH_DIR: '/other' })).SSH_DIR, '/other')
  t.equal((await loadSettings(root, { CLAUDE_SSH_DIR: '/a', SSH_DIR: '/b' })).SSH_DIR, '/b')
})

t.test('secrets are taken out of the environment, so that no child inherits them', async t => {
  const env = {
    ANTHROPIC_API_KEY: 'sk-ant-api03-first',
    CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-second',
    HOME: '/root',
  }
  const settings = await loadSettings(t.testdir({}), env)
  t.equal(settings.ANTHROPIC_API_KEY, 'sk-ant-api03-first')
  t.same(env, { HOME: '/root' })
})

t.test('a bad value is named with its place', async t => {
  const root = t.testdir({ '.env': 'AGENT_MEMORY=lots\n' })
  await t.rejects(loadSettings(root, {}), { message: /\.env: AGENT_MEMORY: "lots" must be a size/ })
  await t.rejects(loadSettings(t.testdir({}), { WORKSPACE_MODE: 'both' }), {
    message: /environment: WORKSPACE_MODE: "both"/,
  })
})

t.test('a bad secret is refused without being shown', async t => {
  const root = t.testdir({ '.env': 'ANTHROPIC_API_KEY="sk ant 1"\n' })
  const error = await t.rejects(loadSettings(root, {}), { message: /ANTHROPIC_API_KEY: its value/ })
  t.notMatch(String(error), /sk ant/)
})

t.test('a credential of the wrong form is refused at once, with its place and reason', async t => {
  for (const [name, value, message, hint] of [
    [
      'ANTHROPIC_API_KEY',
      'sk-ant-oat01-swapped',
      /is an OAuth token, not an API key$/,
      /OAUTH_TOKEN/,
    ],
    ['CLAUDE_CODE_OAUTH_TOKEN', 'sk-ant-api03-swapped', /is an API key, not an OAuth/, /API_KEY$/],
    ['ANTHROPIC_API_KEY', 'sk-ant-admin01-value', /is an admin key, not an API key$/, /set ANTH/],
    ['CLAUDE_CODE_OAUTH_TOKEN', 'sk-ant-ort01-value', /is a refresh token, not an/, /set CLAUDE/],
    [
      'ANTHROPIC_API_KEY',
      'sk-ant-api03-x',
      /has 14 characters, and a credential has at/,
      /whole API/,
    ],
    ['CLAUDE_CODE_OAUTH_TOKEN', `sk-ant-oat01-${'x'.repeat(4096)}`, /at most 4096$/, /whole OAuth/],
  ] as const) {
    const error = await t.rejects(loadSettings(t.testdir({}), { [name]: value }), {
      message,
      hint,
    })
    t.match(String(error), `environment: ${name}: its value `)
    t.notMatch(`${error}`, value)
  }
  const root = t.testdir({ '.env': 'ANTHROPIC_API_KEY=sk-ant-oat01-swapped\n' })
  await t.rejects(loadSettings(root, {}), { message: /\.env: ANTHROPIC_API_KEY: its value is/ })
  await t.resolves(loadSettings(t.testdir({}), { ANTHROPIC_API_KEY: 'key-of-another-gateway' }))
})

for (const [name, value] of [
  ['EXTRA_CA_CERTS', 'relative.pem'],
  ['EXTERNAL_SUBNET', '10.0.0.0'],
  ['PROXY_DNS', 'resolver'],
  ['RUNTIME', '../runc'],
  ['AGENT_PIDS', '3'],
  ['DEBIAN_MIRROR', 'file:///etc'],
] as const) {
  t.test(`${name}=${value} is refused`, async t => {
    await t.rejects(loadSettings(t.testdir({}), { [name]: value }), { message: new RegExp(name) })
  })
}

t.test('what is wrong is told in words of ours, with what would be right', async t => {
  for (const [name, value, right] of [
    ['CREDENTIALS', 'none', /"none" must be auto, gateway or direct$/],
    ['WORKSPACE_MODE', 'both', /"both" must be auto, mount or copy$/],
    ['IMAGE_TARGET', 'huge', /"huge" must be minimal or full$/],
    ['EXTERNAL_SUBNET', '10.0.0.0', /must be a subnet such as 10\.99\.0\.0\/24$/],
    ['PROXY_DNS', '::1', /must be an IPv4 address such as/],
    ['AGENT_PIDS', 'many', /must be a whole number, 64 or more$/],
    ['AGENT_PIDS', '3', /must be a whole number, 64 or more$/],
    ['AGENT_PIDS', '70.5', /must be a whole number, 64 or more$/],
    ['DEBIAN_MIRROR', 'mirror', /must be an http:\/\/ or https:\/\/ URL$/],
    ['BASE_IMAGE', ' ', /must not be empty$/],
  ] as const) {
    await t.rejects(loadSettings(t.testdir({}), { [name]: value }), { message: right })
  }
})

t.test('no setting has a message that is the schema library’s own', async t => {
  const folder = t.testdir({})
  for (const name of settingNames) {
    for (const value of [' ', '\u0000', '-', 'a b', 'x:y', '1e99', '::', '0', '99999999999999']) {
      const error = await loadSettings(folder, { [name]: value }).catch(String)
      if (typeof error === 'string') t.notMatch(error, /Invalid|expected|Too (small|big)/, name)
    }
  }
})

const env = 'AGENT_CPUS=1\nCLAUDE_ENV_B=2\nCLAUDE_ENV_A="a # b"\nCLAUDE_MOUNT_DATA=/data\n'

t.test('the two families are read by the names that the user gave', async t => {
  t.same(await loadCustomSettings(t.testdir({ '.env': env }), {}), {
    environment: { A: 'a # b', B: '2' },
    mounts: { DATA: '/data' },
  })
  t.same(await loadCustomSettings(t.testdir({}), {}), { environment: {}, mounts: {} })
})

t.test('the environment wins, and an empty value is none', async t => {
  const custom = await loadCustomSettings(t.testdir({ '.env': env }), {
    CLAUDE_ENV_A: 'mine',
    CLAUDE_ENV_C: '',
    CLAUDE_ENV_: 'x',
    PATH: '/bin',
  })
  t.same(custom.environment, { A: 'mine', B: '2' })
})

t.test('they are no settings, and no unknown names either', async t => {
  t.equal((await loadSettings(t.testdir({ '.env': env }), {})).AGENT_CPUS, '1')
  await t.rejects(loadSettings(t.testdir({ '.env': 'CLAUDE_ENV_=x\n' }), {}), {
    message: /unknown setting CLAUDE_ENV_/,
  })
  t.equal(isCustomName('CLAUDE_MOUNT_1'), true)
  t.equal(isCustomName('CLAUDE_MOUNT'), false)
})

t.test('a quick start notices those of the environment', async t => {
  const one = settingsInEnvironment({ CLAUDE_ENV_X: '1', HOME: '/root' })
  t.same(one, { CLAUDE_ENV_X: '1' })
})
