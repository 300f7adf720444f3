import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'

const script = await createControlScript(t)
const DOCKER_HOST = await startFakeEngine(t, goodEngine)
const start = (env: Record<string, string> = {}) =>
  script.run(['start', '--detach'], { env: { DOCKER_HOST, ...env } })
const key = 'sk-ant-api03-NOTTOBESHOWN'

t.test('an unknown setting is refused with its line and the name that was meant', async t => {
  await script.edit(t, '.env', () => `# mine\nANTHROPIC_API_KEY=${key}\nAGENT_MEMROY=2g\n`)
  const outcome = await start()
  isTwoLines(t, outcome, {
    error: /\/\.env:3: unknown setting AGENT_MEMROY/,
    hint: /did you mean AGENT_MEMORY\?/,
  })
  t.notMatch(outcome.stdout + outcome.stderr, /NOTTOBESHOWN/)
})

t.test('a name that resembles nothing is refused too', async t => {
  await script.edit(t, '.env', () => 'COMPOSE_FILE=/tmp/evil.yaml\n')
  isTwoLines(t, await start(), {
    error: /\/\.env:1: unknown setting COMPOSE_FILE/,
    hint: /\.env\.example/,
  })
})

t.test(
  'a line that is no assignment is refused, and not shown: it may be a pasted key',
  async t => {
    await script.edit(t, '.env', () => `WORKSPACE_MODE=copy\n${key}\n`)
    const outcome = await start()
    isTwoLines(t, outcome, { error: /\/\.env:2 is not of the form NAME=value/, hint: /#/ })
    t.notMatch(outcome.stderr, /NOTTOBESHOWN/)
  },
)

const badValues = [
  { line: 'CREDENTIALS=gatway', error: /CREDENTIALS: "gatway"/ },
  { line: 'WORKSPACE_MODE=readonly', error: /WORKSPACE_MODE: "readonly"/ },
  { line: 'AGENT_MEMORY=lots', error: /AGENT_MEMORY: "lots" must be a size/ },
  { line: 'AGENT_CPUS=-1', error: /AGENT_CPUS: "-1"/ },
  { line: 'AGENT_PIDS=1', error: /AGENT_PIDS: "1"/ },
  { line: 'EXTERNAL_SUBNET=10.0.0.0', error: /EXTERNAL_SUBNET: "10\.0\.0\.0"/ },
  { line: 'PROXY_DNS=dns.example', error: /PROXY_DNS: "dns\.example"/ },
  { line: 'EXTRA_CA_CERTS=ca.pem', error: /EXTRA_CA_CERTS: "ca\.pem" must be an absolute path/ },
  { line: 'RUNTIME=--privileged', error: /RUNTIME: "--privileged"/ },
  { line: 'DEBIAN_MIRROR=file:///etc', error: /DEBIAN_MIRROR: "file:\/\/\/etc"/ },
]

for (const { line, error } of badValues) {
  t.test(`${line} is refused with the file, the name and the value`, async t => {
    await script.edit(t, '.env', () => `${line}\n`)
    isTwoLines(t, await start(), { error, hint: /\.env\.example describes/ })
  })
}

t.test('a bad value of the environment is said to come from there', async t => {
  isTwoLines(t, await start({ AGENT_MEMORY: 'lots' }), {
    error: /environment: AGENT_MEMORY: "lots"/,
    hint: /\.env\.example describes the values of AGENT_MEMORY/,
  })
})

t.test('a bad secret is refused without its value', async t => {
  await script.edit(t, '.env', () => `ANTHROPIC_API_KEY="${key} with spaces"\n`)
  const outcome = await start()
  isTwoLines(t, outcome, { error: /ANTHROPIC_API_KEY: its value must be/, hint: /ANTHROPIC_API/ })
  t.notMatch(outcome.stderr, /NOTTOBESHOWN/)
})

t.test('an .env that cannot be read is an error, and not an empty one', async t => {
  const path = join(script.checkout, '.env')
  await rm(path, { force: true })
  await mkdir(path)
  t.teardown(() => rm(path, { recursive: true }))
  isTwoLines(t, await start(), { error: /cannot read .*\/\.env: EISDIR/, hint: /chmod/ })
})

t.test('an EXTRA_CA_CERTS that is not there is said before anything is started', async t => {
  await script.edit(t, '.env', () => 'EXTRA_CA_CERTS=/nowhere/ca.pem\n')
  isTwoLines(t, await start(), { error: /EXTRA_CA_CERTS.*\/nowhere\/ca\.pem/, hint: /\.env/ })
})

t.test(
  'an EXTRA_CA_CERTS that is no certificate is not mounted: least of all the engine',
  async t => {
    const socket = DOCKER_HOST.replace('unix://', '')
    const link = join(script.checkout, 'ca.pem')
    await symlink(socket, link)
    t.teardown(() => rm(link))
    for (const path of [socket, link, '/dev/zero']) {
      await script.edit(t, '.env', () => `EXTRA_CA_CERTS=${path}\n`)
      isTwoLines(t, await start(), {
        error: new RegExp(`EXTRA_CA_CERTS=${path} is not a file of certificates`),
        hint: /PEM file/,
      })
    }
  },
)

t.test('CREDENTIALS=gateway without a credential is refused', async t => {
  await script.edit(t, '.env', () => 'CREDENTIALS=gateway\n')
  isTwoLines(t, await start(), {
    error: /CREDENTIALS=gateway, but there is no credential for the gateway/,
    hint: /set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in \.env/,
  })
})

t.test('a credential of the wrong kind is refused before anything is done', async t => {
  await script.edit(t, '.env', () => 'ANTHROPIC_API_KEY=sk-ant-oat01-NOTTOBESHOWN\n')
  const outcome = await start()
  isTwoLines(t, outcome, {
    error: /\.env: ANTHROPIC_API_KEY: its value is an OAuth token, not an API key/,
    hint: /move it to CLAUDE_CODE_OAUTH_TOKEN/,
  })
  t.notMatch(outcome.stderr, /NOTTOBESHOWN/)
})

t.test('CREDENTIALS=direct with a key is refused: one of the two was not meant', async t => {
  await script.edit(t, '.env', () => `CREDENTIALS=direct\nANTHROPIC_API_KEY=${key}\n`)
  const outcome = await start()
  isTwoLines(t, outcome, {
    error: /CREDENTIALS=direct cannot be combined with ANTHROPIC_API_KEY/,
    hint: /remove one/,
  })
  t.notMatch(outcome.stderr, /NOTTOBESHOWN/)
})

t.test('doctor finds a bad .env, and one that others can read', async t => {
  const { chmod } = await import('node:fs/promises')
  await script.edit(t, '.env', () => 'AGENT_MEMROY=2g\n')
  const bad = await script.run(['doctor'], { env: { DOCKER_HOST } })
  t.equal(bad.code, 1)
  t.match(bad.stdout, /problem {2}.*unknown setting AGENT_MEMROY/)
  await script.edit(t, '.env', () => 'AGENT_MEMORY=2g\n')
  await chmod(join(script.checkout, '.env'), 0o644)
  const open = await script.run(['doctor'], { env: { DOCKER_HOST } })
  t.match(open.stdout, /warning {2}other users can read .*\.env\n\s+run chmod 600/)
})

const refusedCustom = [
  { line: 'CLAUDE_ENV_HTTPS_PROXY=http://evil:1', error: /CLAUDE_ENV_HTTPS_PROXY is refused/ },
  { line: `CLAUDE_ENV_COPY=${key}`, error: /CLAUDE_ENV_COPY contains the credential/ },
  {
    line: 'CLAUDE_MOUNT_1=/var/run/docker.sock:/mnt/s',
    error: /CLAUDE_MOUNT_1: \S+ cannot be given/,
  },
  { line: 'CLAUDE_MOUNT_1=~/.ssh:/mnt/keys:ro', error: /CLAUDE_MOUNT_1: .*(credentials|ENOENT)/ },
  { line: 'CLAUDE_MOUNT_1=/:/mnt/all:ro', error: /holds your whole home folder/ },
  { line: 'CLAUDE_MOUNT_1=/srv:/workspace/.git', error: /cannot be mounted at/ },
]

for (const { line, error } of refusedCustom) {
  t.test(`${line.replace(key, 'KEY')} is refused before anything is made`, async t => {
    await script.edit(t, '.env', () => `ANTHROPIC_API_KEY=${key}\n${line}\n`)
    const outcome = await start()
    isTwoLines(t, outcome, { error, hint: /./ })
    t.notMatch(outcome.stderr, /NOTTOBESHOWN/)
  })
}

t.test('a folder that holds the workspace, or lies in it, is no mount', async t => {
  await script.edit(t, '.env', () => `CLAUDE_MOUNT_1=${script.workspace}:/mnt/again\n`)
  isTwoLines(t, await start(), { error: /a part of the workspace/, hint: /a separate folder/ })
})

t.test('what is built into the image is not mounted for the agent to write', async t => {
  const folder = t.testdir({ built: { Dockerfile: '' }, other: {} })
  const settings = (mount: string) =>
    `DOCKERFILE=${folder}/built/Dockerfile\nCLAUDE_MOUNT_1=${folder}/${mount}\n`
  await script.edit(t, '.env', () => settings('built:/mnt/built'))
  const error = /is built into the image, but the agent can change it/
  isTwoLines(t, await start(), { error, hint: /out of the workspace and of mounted folders/ })
  for (const mount of ['built:/mnt/built:ro', 'other:/mnt/other']) {
    await script.edit(t, '.env', () => settings(mount))
    t.notMatch((await start()).stderr, error, mount)
  }
})

t.test('the settings of a model upstream are refused in words when they cannot work', async t => {
  for (const [file, env, error, hint] of [
    ['', { CLAUDE_CODE_USE_FOUNDRY: '1' }, /CLAUDE_CODE_USE_FOUNDRY is set/, /unset/],
    ['AWS_REGION=us-east-1\n', {}, /\.env: AWS_REGION has no effect without/, /as well, or remove/],
    ['CLAUDE_CODE_USE_BEDROCK=1\n', {}, /=1 needs AWS_REGION/, /set AWS_REGION beside it/],
    ['', { ANTHROPIC_AUTH_TOKEN: key }, /environment: ANTHROPIC_AUTH_TOKEN has no effect/, /unset/],
    [
      `ANTHROPIC_BASE_URL=https://llm.corp.example\nCLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-mine\n`,
      {},
      /ANTHROPIC_BASE_URL=https:\/\/llm\.corp\.example has no credential/,
      /never gets CLAUDE_CODE_OAUTH_TOKEN/,
    ],
    [
      '',
      { ANTHROPIC_BASE_URL: 'http://localhost:4000' },
      /must be an https:\/\/ URL on port 443/,
      /./,
    ],
  ] as const) {
    await script.edit(t, '.env', () => file)
    const outcome = await start(env)
    isTwoLines(t, outcome, { error, hint })
    t.notMatch(outcome.stderr, /NOTTOBESHOWN/)
  }
})

t.test('the key of a service account is neither mounted nor in the workspace', async t => {
  const settings = (path: string) =>
    `CLAUDE_CODE_USE_VERTEX=1\nCLOUD_ML_REGION=global\nANTHROPIC_VERTEX_PROJECT_ID=my-project\nGOOGLE_APPLICATION_CREDENTIALS=${path}\n`
  const folder = t.testdir({ 'key.json': '{}' })
  await script.edit(t, '.env', () => settings(join(folder, 'key.json')))
  isTwoLines(t, await start(), {
    error: /key\.json is not usable: it is not the key of a service account/,
    hint: /JSON key of a service account/,
  })
  await script.edit(t, '.env', () => settings(join(script.workspace, 'key.json')))
  isTwoLines(t, await start(), {
    error: /holds the credentials of claude-secure .*key\.json/,
    hint: /the folder of a project/,
  })
})
