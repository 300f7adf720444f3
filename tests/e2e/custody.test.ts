import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { must, run } from '../support/stack/process.ts'
import {
  createTestStack,
  sentinel as everyTest,
  writeSettings,
} from '../support/stack/test-stack.ts'

// A secret of this test alone: processes of others run on this host, too.
const word = `SENTINEL-${process.pid}`
const sentinel = everyTest.replace('SENTINEL', word)
const stack = await createTestStack(t, {
  worker: true,
  files: { 'welcome.txt': 'a file of the workspace\n' },
  settings: { ANTHROPIC_API_KEY: sentinel },
})
const { inside, internet } = stack
const claude = (prompt: string, ...args: string[]) =>
  inside(['claude', '--dangerously-skip-permissions', '-p', prompt, ...args], { timeout: 300_000 })

t.test(
  'the real Claude Code answers through gateway and proxy, with every other name denied',
  async t => {
    const { code, stdout, stderr } = await claude('[[read /workspace/welcome.txt]]')
    t.equal(code, 0, stderr)
    t.match(stdout, 'a file of the workspace')
    const requests = await internet.modelRequests()
    t.ok(requests.length >= 2)
    for (const { path, host, rawHeaders } of requests) {
      t.match(path, /^\/v1\/messages/)
      t.equal(host, 'api.anthropic.com')
      const headers = rawHeaders.join('\n')
      t.match(headers, sentinel, 'the real key goes to the upstream')
      t.notMatch(headers, /placeholder/, 'and the placeholder does not')
    }
  },
)

t.test('the secret appears in nothing that the agent, the engine or a log shows', async t => {
  const everywhere: Record<string, string> = {
    'environment of the agent': (
      await inside(['bash', '-c', 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline'])
    ).stdout,
    "files of the agent's home and workspace": (
      await inside(
        [
          'bash',
          '-c',
          `grep -rl ${word} / --include="*" -s --exclude-dir=proc --exclude-dir=sys; true`,
        ],
        { timeout: 120_000 },
      )
    ).stdout,
    'environment of the gateway': (
      await inside(['bash', '-c', 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline'], {
        service: 'gateway',
      })
    ).stdout,
    'compose file': await readFile(
      `${stack.env.XDG_STATE_HOME}/claude-secure/stacks/${stack.stack}/stack.yaml`,
      'utf8',
    ),
    'processes of the host': (await run('ps', ['axeww'])).stdout,
    status: (await stack.cli(['status', '--json'])).stdout,
  }
  for (const service of ['claude', 'worker', 'gateway', 'proxy']) {
    const container = stack.container(service)
    everywhere[`docker inspect ${service}`] = await must('docker', ['inspect', container])
    const { stdout, stderr } = await run('docker', ['logs', container])
    everywhere[`docker logs ${service}`] = stdout + stderr
    const image = (await must('docker', ['inspect', '--format', '{{.Image}}', container])).trim()
    everywhere[`image of ${service}`] = await must('docker', ['history', '--no-trunc', image])
  }
  for (const [where, text] of Object.entries(everywhere)) {
    t.notOk(text.includes(word), where)
  }
})

t.test('the credential is mounted only into the gateway, readable only by its user', async t => {
  for (const service of ['claude', 'worker', 'proxy']) {
    t.notMatch(
      await must('docker', ['inspect', '--format', '{{json .Mounts}}', stack.container(service)]),
      /credential/,
    )
  }
  const { stdout } = await inside(['stat', '--format', '%a', '/run/secrets/credential'], {
    service: 'gateway',
  })
  t.equal(stdout, '400\n')
})

t.test("an attacker's own key is refused, and so is every route but the model's", async t => {
  const post = (path: string, key: string) =>
    inside([
      'curl',
      '-sS',
      '--max-time',
      '120',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '-H',
      `x-api-key: ${key}`,
      '-H',
      'content-type: application/json',
      '-d',
      '{}',
      `http://gateway:8787${path}`,
    ])
  const placeholder = (await inside(['printenv', 'ANTHROPIC_API_KEY'])).stdout.trim()
  t.match(placeholder, /placeholder/)
  await internet.forgetModelRequests()
  for (const key of ['sk-ant-api03-attacker-owned-key-0000000000000000', '', 'x']) {
    t.match((await post('/v1/messages', key)).stdout, /^40[13]$/, `key "${key}"`)
  }
  for (const path of [
    '/v1/files',
    '/v1/messages/batches',
    '/v1/organizations/me',
    '/v1/models',
    '//v1/messages',
    '/v1/messages/../files',
    '/v1/messages%2f..%2ffiles',
  ]) {
    t.equal((await post(path, placeholder)).stdout, '403', path)
  }
  t.same(await internet.modelRequests(), [], 'nothing of it went further than the gateway')
})

t.test('a new key in .env reaches a running gateway; the session goes on', async t => {
  const placeholder = (await inside(['printenv', 'ANTHROPIC_API_KEY'])).stdout
  const rotated = sentinel.replace(word, `${word}-2`)
  const env = await readFile(`${stack.checkout}/.env`, 'utf8')
  await writeSettings(stack.checkout, {
    ...Object.fromEntries(
      env
        .trim()
        .split('\n')
        .map(line => line.split('=') as [string, string]),
    ),
    ANTHROPIC_API_KEY: rotated,
  })
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
  await internet.forgetModelRequests()
  t.equal((await claude('[[say hello]]')).stdout.trim(), 'hello')
  t.match(JSON.stringify(await internet.modelRequests()), rotated)
  t.equal((await inside(['printenv', 'ANTHROPIC_API_KEY'])).stdout, placeholder)
})

t.test('an OAuth token is sent as a bearer token, with the beta header that it needs', async t => {
  const token = sentinel.replace('api03', 'oat01')
  const oauth = await createTestStack(t, {
    block: 1,
    settings: { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: token },
  })
  const { code, stdout, stderr } = await oauth.inside(
    ['claude', '--dangerously-skip-permissions', '-p', '[[say hello]]'],
    { timeout: 120_000 },
  )
  t.equal(code, 0, stderr)
  t.equal(stdout.trim(), 'hello')
  for (const { rawHeaders } of await oauth.internet.modelRequests()) {
    const headers = Object.fromEntries(
      rawHeaders.flatMap((name, i) =>
        i % 2 ? [] : [[name.toLowerCase(), rawHeaders[i + 1] ?? '']],
      ),
    )
    t.equal(headers.authorization, `Bearer ${token}`)
    t.match(headers['anthropic-beta'], 'oauth-2025-04-20')
    t.equal(headers['x-api-key'], undefined)
  }
  t.notMatch((await oauth.inside(['env'])).stdout, word)
  t.match(JSON.parse((await oauth.cli(['status', '--json'])).stdout), {
    credentials: { mode: 'oauth-token', weakness: null },
  })
})

/** Names the files of the state folder with a text. */
const stateWith = async (text: string) =>
  (await run('grep', ['-rlF', text, stack.env.XDG_STATE_HOME ?? ''])).stdout

t.test('after stop and after a failed start the state folder holds no secret', async t => {
  const env = { ...stack.env, CLAUDE_ENV_DEPLOY: `deploy-${word}`, ANTHROPIC_API_KEY: sentinel }
  const cli = (...args: string[]) =>
    run(join(stack.checkout, 'claude.ts'), args, { cwd: stack.workspace, env })
  await internet.detach()
  t.equal((await cli('stop')).code, 0)
  t.equal((await cli('start', '--detach')).code, 0)
  t.match(await stateWith(word), /credential\.json/, 'the counterpart: a running stack has it')
  t.equal((await cli('stop')).code, 0)
  t.equal(await stateWith(word), '', 'although .env has the key too')

  const name = `${stack.stack}-gateway-1`
  const image = await must('docker', ['images', '--quiet', 'claude-secure/proxy'])
  await must('docker', ['create', '--name', name, image.trim().split('\n')[0] ?? ''])
  t.teardown(() => run('docker', ['rm', '--force', name]))
  const failed = await cli('start', '--detach')
  t.not(failed.code, 0)
  t.equal(await stateWith(word), '', failed.stderr)
  await must('docker', ['rm', '--force', name])

  t.equal((await cli('start', '--detach')).code, 0, 'each start writes them again')
  await must('docker', [
    'rm',
    '--force',
    stack.container('claude'),
    stack.container('gateway'),
    stack.container('proxy'),
  ])
  t.equal((await cli('stop')).code, 0)
  t.equal(await stateWith(word), '', 'also when the containers are gone')
})
