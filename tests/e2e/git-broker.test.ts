import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import t from 'tap'
import { repository } from '../support/stack/checkout.ts'
import { gitHostAddress } from '../support/stack/internet.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack, startTestStack } from '../support/stack/test-stack.ts'

const host = 'git.corp.test'
const token = `glpat-SENTINEL${'t0ken'.repeat(6)}`
const stack = await createTestStack(t, {
  start: false,
  zone: { [host]: [[gitHostAddress(0)]] },
  settings: { GIT_REPOSITORIES: `${host}/me/app,${host}/me/lib:ro` },
})
Object.assign(stack.env, { GITEA_TOKEN: token, GITEA_SERVER_URL: `https://${host}` })
await startTestStack(stack, ['--worker'])

const files = dirname(stack.internet.authority)
await build({
  absWorkingDir: repository,
  entryPoints: { 'git-host': 'tests/support/git-host/main.ts' },
  ...{ outdir: files, bundle: true, platform: 'node', format: 'esm', target: 'node24' },
  logLevel: 'error',
})
// The agent's image has no server of git.
const backend = join((await must('git', ['--exec-path'])).trim(), 'git-http-backend')
const image = await must('docker', [
  ...['inspect', '--format', '{{.Config.Image}}', stack.container('claude')],
])
const gitHost = (
  await must('docker', [
    ...['run', '--detach', '--init', '--user', '0', '--entrypoint', 'node'],
    ...['--network', `${stack.stack}_proxy-external`, '--ip', gitHostAddress(0)],
    ...['--volume', `${files}:/standin:ro`, '--volume', `${backend}:${backend}:ro`],
    ...['--env', `LOGIN=oauth2:${token}`, '--env', `GIT_HTTP_BACKEND=${backend}`],
    ...['--env', 'TLS_CERT_FILE=/standin/sites.pem', '--env', 'TLS_KEY_FILE=/standin/sites.key'],
    ...['--env', 'REPOSITORIES=me/app me/lib me/other', image.trim(), '/standin/git-host.js'],
  ])
).trim()
t.teardown(() => run('docker', ['rm', '--force', '--volumes', gitHost]))
const seen = () => must('docker', ['logs', gitHost])
await until('the host of repositories', async () => (await seen()).includes('ready'))

const agent = (script: string, service = 'claude') =>
  stack.inside(
    [
      'bash',
      '-euc',
      `export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@a.test GIT_COMMITTER_NAME=a \
         GIT_COMMITTER_EMAIL=a@a.test; cd ~; ${script}`,
    ],
    { service },
  )
const branches = () =>
  must('docker', [
    ...['exec', gitHost, 'git', '-C', '/tmp/repositories/me/app.git'],
    ...['for-each-ref', '--format=%(refname) %(subject)'],
  ])

t.test('the agent fetches a private repository and pushes its own branch', async t => {
  for (const [service, remote] of [
    ['claude', `https://${host}/me/app.git`],
    ['worker', `git@${host}:me/app`],
  ] as const) {
    const { code, stderr } = await agent(
      `git clone -q ${remote} app; cd app; git switch -q -c claude/${service}
       git commit -q --allow-empty -m 'by ${service}'; git push -q origin claude/${service}
       git commit -q --allow-empty -m 'again by ${service}'; git push -q origin HEAD
       git clone -q https://${host}/me/lib ~/lib`,
      service,
    )
    t.equal(code, 0, stderr)
  }
  t.same((await branches()).trim().split('\n'), [
    'refs/heads/claude/claude again by claude',
    'refs/heads/claude/worker again by worker',
    'refs/heads/main the first commit',
  ])
  const login = Buffer.from(`oauth2:${token}`).toString('base64')
  t.match(await seen(), new RegExp(`"authorization":"Basic ${login}"`))
})

t.test('whatever else it pushes or fetches is refused, and git says why', async t => {
  for (const [command, message] of [
    ['push origin HEAD:main', 'only refs/heads/claude/\\* can be pushed to'],
    ['push --force origin HEAD:claude/worker2 HEAD:main', 'another ref of this push is refused'],
    ['push origin :claude/claude', 'a branch cannot be deleted'],
    ['push -o ci.skip origin HEAD:claude/x', 'does not support push options'],
    [`push https://${host}/me/lib HEAD:claude/x`, 'can only be fetched from'],
  ] as const) {
    const { code, stderr } = await agent(`cd app; git ${command}`)
    t.not(code, 0, command)
    t.match(stderr, new RegExp(message), command)
  }
  const other = await agent(`git ls-remote http://gateway:8787/git/${host}/me/other`)
  t.match(other.stderr, /me\/other is not in GIT_REPOSITORIES/)
  t.equal((await branches()).trim().split('\n').length, 3)
})

t.test('neither the host nor the token is open to the agent', async t => {
  const past = await agent(`git -c http.sslVerify=false ls-remote https://${host}/me/other`)
  t.match(past.stderr, /response 407/)
  const own = `curl -sS -H 'x-api-key: other' 'http://gateway:8787/git/${host}/me/app/info/refs?service=git-upload-pack'`
  t.match((await agent(own)).stdout, /not the stack's placeholder/)
  for (const service of ['claude', 'worker']) {
    const search = `(env; git config -l; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline
      grep -rsa SENTINE[L] /etc /run /tmp ~ /workspace) 2> ~/errors | grep -ac SENTINE[L] || true`
    t.equal((await agent(search, service)).stdout, '0\n')
  }
  for (const service of ['claude', 'worker', 'gateway', 'proxy']) {
    t.notMatch(await must('docker', ['inspect', stack.container(service)]), token)
    const { stdout, stderr } = await run('docker', ['logs', stack.container(service)])
    t.notMatch(stdout + stderr, token)
  }
})

t.test('the audit attacks the way to the repositories, and changes nothing', async t => {
  const { stdout } = await stack.cli(['audit', '--probe', 'N15', '--json'])
  for (const claim of [
    'the gateway reaches no repository that is not listed',
    'the gateway pushes to branches below claude/ of listed repositories alone',
    'git reaches the gateway with the placeholder of the stack alone',
  ]) {
    t.match(stdout, claim)
  }
  t.notMatch(stdout, /"verdict": ?"(open|unknown)"/)
  t.notMatch(stdout, token)
  t.equal((await branches()).trim().split('\n').length, 3)
})

t.test('doctor says what uses the token, and stop removes it', async t => {
  const { stdout } = await stack.cli(['doctor'])
  t.match(
    stdout,
    /GITEA_TOKEN of the environment: token for git\.corp\.test, .*by the gateway for git\.corp\.test\/me\/app/,
  )
  t.notMatch(stdout, token)
  const state = join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack.stack)
  t.match(await readFile(join(state, 'credential.json'), 'utf8'), token)
  await stack.internet.detach()
  await run('docker', ['rm', '--force', '--volumes', gitHost])
  t.match(await stack.cli(['stop']), { code: 0 })
  for (const entry of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    t.notMatch(await readFile(join(entry.parentPath, entry.name), 'utf8'), token, entry.name)
  }
})
