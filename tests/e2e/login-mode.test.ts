import { readFile } from 'node:fs/promises'
import t from 'tap'
import { isTwoLines } from '../support/stack/control-script.ts'
import { run, until } from '../support/stack/process.ts'
import {
  attachInternet,
  createTestStack,
  sentinel,
  writeSettings,
} from '../support/stack/test-stack.ts'

const logins = ['api.anthropic.com', 'claude.ai', 'claude.com', 'platform.claude.com']
const stack = await createTestStack(t, {
  block: 2,
  start: false,
  settings: { ANTHROPIC_API_KEY: '' },
})

const stateFile = `${stack.env.XDG_STATE_HOME}/claude-secure/stacks/${stack.stack}/credential.json`
const settings = {
  EXTRA_CA_CERTS: stack.internet.authority,
  EXTERNAL_SUBNET: stack.internet.subnet,
  PROXY_DNS: stack.internet.dns,
}

t.test('without a terminal nothing falls into a login, and the file is named', async t => {
  for (const args of [
    ['start', '--detach'],
    ['run', '--quiet', 'hello'],
  ]) {
    isTwoLines(t, await stack.cli(args), {
      error: new RegExp(`no credential in ${stack.checkout}/\\.env .*no terminal to log in`),
      hint: /set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN there; CREDENTIALS=direct/,
    })
  }
  await t.rejects(readFile(stateFile), { code: 'ENOENT' }, 'nothing was written')
})

t.test('a call that lost its token leaves the stack as it is; stop removes the token', async t => {
  const env = { ...stack.env, ANTHROPIC_API_KEY: sentinel }
  const { code, stderr } = await run(`${stack.checkout}/claude.ts`, ['start', '--detach'], {
    cwd: stack.workspace,
    env,
  })
  t.equal(code, 0, stderr)
  t.match(JSON.parse(await readFile(stateFile, 'utf8')), { secret: sentinel })
  for (const args of [
    ['start', '--detach'],
    ['run', '--quiet', 'hello'],
  ]) {
    isTwoLines(t, await stack.cli(args), {
      error: /runs with one: a login would replace it/,
      hint: /set the credential again, or run .*stop/,
    })
  }
  const status = JSON.parse((await stack.cli(['status', '--json'])).stdout)
  t.match(status, { running: true, credentials: { mode: 'api-key' } })
  t.equal((await stack.cli(['stop'])).code, 0)
  const left = JSON.parse(await readFile(stateFile, 'utf8'))
  t.match(left, { secret: 'no-credential-in-this-mode', placeholder: /placeholder/ })
})

t.test('with CREDENTIALS=direct start says what is weaker, and how', async t => {
  await writeSettings(stack.checkout, { ...settings, CREDENTIALS: 'direct' })
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
  for (const name of logins) t.match(stderr, name)
  t.match(stderr, /warning: CREDENTIALS=direct in .*\.env .*login lives in the agent container/)
  await attachInternet(stack)
  const status = JSON.parse((await stack.cli(['status', '--json'])).stdout)
  t.match(status, { running: true, credentials: { mode: 'login', weakness: /agent container/ } })
  t.match((await stack.cli(['status'])).stdout, /weaker: the login lives in the agent container/)
})

/** What the proxy says to a CONNECT: a name it may reach is tried, and 503 where nothing answers. */
const connect = async (name: string) =>
  (
    await stack.inside([
      'bash',
      '-c',
      `exec 3<>/dev/tcp/proxy/3128; printf 'CONNECT ${name}:443 HTTP/1.1\\r\\nHost: ${name}:443\\r\\n\\r\\n' >&3; timeout 20 head -1 <&3`,
    ])
  ).stdout
const decisions = async (name: string) => {
  const { stdout } = await stack.cli(['logs', 'proxy', '--json', '-n', '1000'])
  return stdout.split('\n').filter(line => line.includes(`"host":"${name}"`))
}
/** Why, by the proxy's own line, which it may write after its answer. */
const decided = async (name: string) => {
  const before = (await decisions(name)).length
  await connect(name)
  const lines = await until(`a decision on ${name}`, async () => {
    const lines = await decisions(name)
    return lines.length > before && lines
  })
  return JSON.parse(lines.at(-1) ?? '').reason
}

t.test('the agent may ask for the login names, and for no others', async t => {
  for (const name of logins) t.not(await decided(name), 'not-listed', name)
  for (const name of ['evil.test', 'console.anthropic.com.evil.test', 'www.claude.ai']) {
    t.equal(await decided(name), 'not-listed', name)
  }
})

t.test('the gateway has no credential, and the agent no placeholder', async t => {
  const { stdout } = await stack.inside(['env'])
  t.notMatch(stdout, /placeholder|ANTHROPIC_API_KEY|CLAUDE_CODE_OAUTH_TOKEN|gateway:8787/)
  t.match(JSON.parse(await readFile(stateFile, 'utf8')), { secret: 'no-credential-in-this-mode' })
})

t.test('with its own login, Claude Code talks to the API through the proxy', async t => {
  const { code, stdout, stderr } = await stack.inside(
    ['sh', '-c', "CLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-mine claude -p '[[say logged in]]'"],
    { timeout: 120_000 },
  )
  t.equal(code, 0, stderr)
  t.equal(stdout.trim(), 'logged in')
  const [request] = await stack.internet.modelRequests()
  t.equal(request?.host, 'api.anthropic.com')
  t.match(request?.rawHeaders.join('\n'), 'Bearer sk-ant-oat01-mine')
})

t.test(
  'a run without a login says how to get one, and with it works as a session does',
  async t => {
    isTwoLines(t, await stack.cli(['run', '--quiet', 'hello'], { timeout: 180_000 }), {
      error: /Not logged in/,
      hint: /\S*\/claude\.ts login --runs/,
    })
    const terminal = await stack.terminal(['login', '--runs'])
    await terminal.waitFor(/https:\/\/\S*claude\S*oauth/i)
    await terminal.press('C-c')
    await terminal.exitStatus()
    // What the login leaves when it has ended well.
    const login = {
      accessToken: 'sk-ant-oat01-runs',
      refreshToken: 'sk-ant-ort01-runs',
      expiresAt: Date.now() + 3_600_000,
      scopes: ['user:inference', 'user:profile'],
      subscriptionType: 'max',
    }
    const folder = '/home/claude/workspaces/workspace-c52ddf65534b/.claude'
    await stack.inside(['sh', '-c', `umask 077; cat > ${folder}/.credentials.json`], {
      service: 'worker',
      input: JSON.stringify({ claudeAiOauth: login }),
    })
    await stack.internet.forgetModelRequests()
    const { code, stdout, stderr } = await stack.cli(['run', '--quiet', '[[say runs too]]'], {
      timeout: 180_000,
    })
    t.equal(code, 0, stderr)
    t.equal(stdout, 'runs too\n')
    const [request] = await stack.internet.modelRequests()
    t.match(request?.rawHeaders.join('\n'), 'Bearer sk-ant-oat01-runs')
  },
)

t.test('with a key in .env, the next start closes the login names', async t => {
  await stack.internet.detach()
  await writeSettings(stack.checkout, { ANTHROPIC_API_KEY: sentinel, ...settings })
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
  t.match(JSON.parse((await stack.cli(['status', '--json'])).stdout), {
    credentials: { mode: 'api-key', weakness: null },
  })
  for (const name of logins) t.equal(await decided(name), 'not-listed', name)
})
