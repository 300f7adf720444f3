import t from 'tap'
import { parseWorkspaceConfig } from '../../../src/config/workspace-config.ts'
import { demandsOf } from '../../../src/config/workspace-requests.ts'

const parse = (value: unknown) => parseWorkspaceConfig(JSON.stringify(value))

t.test('the keys of claude-code-runner, and what is off unless it is asked for', async t => {
  const config = parse({
    dockerImage: 'claude-code-sandbox:latest',
    detached: false,
    autoPush: true,
    environment: { NODE_ENV: 'development' },
    envFile: '.env',
    setupCommands: ['npm ci'],
    volumes: ['/data:/mnt/data:ro'],
    mounts: [{ source: '/cache', target: '/mnt/cache' }],
    allowedTools: ['*'],
    maxThinkingTokens: 100_000,
    bashTimeout: 600_000,
  })
  t.match(config, {
    autoPush: true,
    autoCreatePR: false,
    autoStartClaude: true,
    forwardSshKeys: false,
    forwardGpgKeys: false,
    forwardSshAgent: false,
    enableGpgSigning: false,
    mounts: [{ readonly: false }],
  })
  t.same(demandsOf(config), [
    'the variable NODE_ENV',
    'the variables of .env',
    'the mount /data:/mnt/data:ro',
    'the mount /cache:/mnt/cache',
    'the command in its container: npm ci',
  ])
  t.same(demandsOf(parse({ bashTimeout: 5_000, autoPush: true })), [], 'nothing to ask about')
})

t.test('a key that is null is not there, as in the example of claude-code-runner', async t => {
  const config = parse({ dockerfile: null, dockerSocketPath: null, envFile: null, autoPush: true })
  t.match(config, { autoPush: true, environment: {} })
  t.same(demandsOf(config), [])
  t.throws(() => parse({ enviroment: null }), { message: /unknown key enviroment/ })
})

t.test('an unknown key is refused with the one that was meant', async t => {
  t.throws(() => parse({ enviroment: {} }), {
    message: /unknown key enviroment/,
    hint: 'did you mean environment?',
  })
  t.throws(() => parse({ zzzzzzzz: 1 }), { message: /./, hint: /docs\/additions\.md/ })
  t.throws(() => parseWorkspaceConfig('{"__proto__": {}}'), { message: /unknown key __proto__/ })
})

t.test('what would open the host is refused with the reason', async t => {
  t.throws(() => parse({ dockerSocketPath: '/var/run/docker.sock' }), {
    message: /./,
    hint: /control of the host/,
  })
  t.throws(() => parse({ dockerfile: './Dockerfile' }), {
    message: /./,
    hint: /DOCKERFILE= in \.env/,
  })
  t.throws(() => parse({ allowedTools: ['Bash'] }), { message: /allowedTools: can only be/ })
})

t.test('what is no configuration', async t => {
  t.throws(() => parseWorkspaceConfig('{'), { message: /is not JSON/ })
  for (const value of [
    [],
    'x',
    null,
    { volumes: '/a' },
    { mounts: [{ source: '/a' }] },
    { bashTimeout: 1 },
  ]) {
    t.throws(
      () => parse(value),
      { message: /claude-secure\.config\.json: / },
      JSON.stringify(value),
    )
  }
})

t.test('what is asked about is all that there is: nothing hidden, nothing cut off', async t => {
  for (const command of ['true\x1b[2K\recho', 'a\nb', 'x'.repeat(401), 'a\u202eb', '']) {
    t.throws(() => parse({ setupCommands: [command] }), { message: /setupCommands\.0: / })
  }
  const longest = 'x'.repeat(400)
  t.match(demandsOf(parse({ setupCommands: [longest] }))[0], longest)
})

const runnersExample = {
  ...{ dockerImage: 'claude-code-runner:latest', buildImage: true, dockerfile: null },
  ...{ detached: false, autoPush: true, autoCreatePR: true, autoStartClaude: true },
  ...{ envFile: '.env', environment: { NODE_ENV: 'development' } },
  ...{ setupCommands: ['npm install', 'npm run build'], volumes: [] },
  mounts: [
    { source: './data', target: '/workspace/data', readonly: false },
    { source: '/home/user/shared-configs', target: '/configs', readonly: true },
  ],
  ...{ allowedTools: ['*'], maxThinkingTokens: 100_000, bashTimeout: 600_000 },
  ...{ containerPrefix: 'claude-code-runner', claudeConfigPath: '~/.claude.json' },
  ...{ dockerSocketPath: null, forwardSshKeys: true, forwardGpgKeys: true },
  ...{ forwardSshAgent: true, enableGpgSigning: false },
}

t.test('the example of claude-code-runner is taken as it is, with its idle keys named', async t => {
  const config = parseWorkspaceConfig(JSON.stringify(runnersExample), 'claude-run.config.json')
  t.same(config.unused, [
    ...['dockerImage', 'buildImage', 'detached', 'autoPush', 'autoCreatePR', 'autoStartClaude'],
    ...['containerPrefix', 'claudeConfigPath', 'forwardSshKeys', 'forwardGpgKeys'],
    ...['forwardSshAgent', 'enableGpgSigning'],
  ])
  t.same(demandsOf(config), [
    'the variable NODE_ENV',
    'the variables of .env',
    'the mount /home/user/shared-configs:/configs:ro',
    'the command in its container: npm install',
    'the command in its container: npm run build',
  ])
})

t.test('keys for other agents are named as without effect; an unknown one is an error', async t => {
  const keys = {
    ...{ codeRunner: 'codex', defaultShell: 'bash', kimiConfigPath: '~/.kimi', prNumber: '12' },
    ...{ includeUntracked: true, targetBranch: 'main', useWebUI: true, restartPolicy: 'no' },
  }
  const { unused, ...config } = parse(keys)
  t.match(config, { includeUntracked: true, targetBranch: 'main', skipReconnectCheck: false })
  const ofSessions = ['includeUntracked', 'targetBranch']
  t.same(
    unused,
    Object.keys(keys).filter(key => !ofSessions.includes(key)),
  )
  t.throws(() => parse({ codeRuner: 'x' }), { message: /./, hint: 'did you mean codeRunner?' })
})

t.test('every wrong key is named at once, with the name of its file', async t => {
  const wrong = { dockerSocketPath: '/s', dockerfile: './D', enviroment: {}, bashTimeout: 1 }
  const parseWrong = () => parseWorkspaceConfig(JSON.stringify(wrong), 'claude-sandbox.config.json')
  t.throws(parseWrong, {
    message:
      /^4 errors: claude-sandbox\.config\.json: dockerSocketPath is refused; .*dockerfile is refused; .*unknown key enviroment; .*bashTimeout: must be 1000/,
    hint: /control of the host.*DOCKERFILE=.*did you mean environment\?/,
  })
})
