import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { repetitions } from '../support/soak.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must, run, until } from '../support/stack/process.ts'
import { openRun, partsOf } from '../support/stack/run-client.ts'
import { createTestStack, owner } from '../support/stack/test-stack.ts'

// The same image with the same hardening, with two workspaces instead of one, and served over HTTP.
const stack = await createTestStack(t)
const token = 'a-token-of-the-test-with-enough-characters'
const tokenFile = join(await temporaryFolder(t, 'token'), 'token')
await writeFile(tokenFile, `${token}\n`, { mode: 0o444 })
const name = `${stack.stack}-two`
const inspected = JSON.parse(await must('docker', ['inspect', stack.container('claude')]))[0]

async function startWorker(name: string, ...more: readonly string[]) {
  t.teardown(() => run('docker', ['rm', '--force', '--volumes', name]))
  await must('docker', [
    'run',
    '--detach',
    '--init',
    ...more,
    '--name',
    name,
    `--network=${stack.stack}_claude-internal`,
    `--user=${owner}:${owner}`,
    // A storm of 128 that fork all the time stays far below; at the limit claude aborts for want of a thread.
    '--pids-limit=4096',
    '--read-only',
    '--cap-drop=ALL',
    '--security-opt=no-new-privileges:true',
    '--tmpfs=/tmp:size=1g,mode=1777,noexec,nosuid,nodev',
    '--tmpfs=/run:size=16m,mode=1777,noexec,nosuid,nodev',
    '--tmpfs=/workspaces:size=64m,mode=1777,nosuid,nodev',
    '--volume=/home/claude',
    `--volume=${tokenFile}:/run/secrets/token:ro`,
    '--env=RUNNER_PORT=8790',
    '--env=RUNNER_TOKEN_FILE=/run/secrets/token',
    // A busy machine needs more than the two minutes of Claude Code's default for a storm beside a command.
    '--env=BASH_DEFAULT_TIMEOUT_MS=600000',
    '--env=BASH_MAX_TIMEOUT_MS=600000',
    ...inspected.Config.Env.flatMap((pair: string) => ['--env', pair]),
    inspected.Config.Image,
    'sh',
    '-c',
    'mkdir /workspaces/a /workspaces/ab; echo SECRET-OF-A > /workspaces/a/file; exec claude-secure-runner',
  ])
  await until('the runner', async () => (await isUp(name)).code === 0)
}

const isUp = (name: string) => run('docker', ['exec', name, 'claude-secure-run', '--status'])

await startWorker(name)
const inside = (script: string) => run('docker', ['exec', name, 'bash', '-c', script])
const status = async () => JSON.parse((await inside('claude-secure-run --status')).stdout)
const at = (workspace: string, prompt: string, more: object = {}) =>
  openRun(name, prompt, more, workspace).done

t.test('each run works in its own workspace, and two at once', async t => {
  const [a, b] = await Promise.all([
    at('/workspaces/a', '[[bash pwd; cat file]]'),
    at('/workspaces/ab', '[[bash pwd; echo $HOME $TMPDIR]]'),
  ])
  t.match(a.toolResults.join(), '/workspaces/a\nSECRET-OF-A')
  t.match(b.toolResults.join(), /^\/workspaces\/ab\n\/home\/claude\/workspaces\/ab-/)
  t.not(a.started?.sessionId, b.started?.sessionId)
  t.not(a.started?.meter, b.started?.meter)
})

t.test('where the kernel supports it, a run sees nothing of another workspace', async t => {
  const { landlock } = await status()
  const words = [
    'cat ../a/file',
    'ls -R /workspaces',
    'cat /workspaces/a/file /proc/*/cwd/file',
    'ls /home/claude/workspaces/a-*/.claude/projects && echo SECRET-OF-A',
    'cat /run/secrets/token /run/claude-secure/token',
    'echo x > /workspaces/a/planted',
    'for p in /proc/[0-9]*; do tr "\\0" "\\n" < $p/environ; done | grep /workspaces/a$ && echo SECRET-OF-A',
  ].join('; ')
  const { toolResults, ended } = await at('/workspaces/ab', `[[bash ${words}]]`)
  t.match(ended, { outcome: 'completed' })
  const said = toolResults.join('\n')
  const { stdout } = await inside('ls /workspaces/a')
  // Without Landlock the status says so, and a stack with several workspaces can refuse to start.
  t.equal(/SECRET-OF-A|a-token-of|[0-9a-f]{64}/.test(said), !landlock, said)
  t.equal(stdout.includes('planted'), !landlock)
})

t.test('a storm in one workspace ends with its run, and the run in another goes on', async t => {
  const fresh = { session: { kind: 'fresh' } }
  const patient = '[[bash until [ -e go ]; do sleep 0.2; done; echo went on]]'
  const other = openRun(name, patient, fresh, '/workspaces/a')
  // Each one takes a processor from the tests beside this one; runner.test.ts has a storm of 128, too.
  const doublings = repetitions({ short: 5, full: 7 })
  const storm = `exec perl -e "\\$SIG{\\$_} = q(IGNORE) for qw(INT TERM HUP CHLD); fork for 1..${doublings}; while (1) { fork // 1 or exit }"`
  const stormy = openRun(name, `[[bash ${storm}]]`, fresh, '/workspaces/ab')
  // From outside: a program in the container would have to wait for the storm.
  const count = async () =>
    (await must('docker', ['top', name, '-eo', 'pid,args'])).split('q(IGNORE)').length - 1
  await until('a storm', async () => (await count()) >= 0.75 * 2 ** doublings)
  stormy.leave()
  // Whether Claude Code ends by itself or is killed depends on how much processor the storm leaves to it.
  t.match((await stormy.done).ended, { outcome: 'cancelled' })
  t.equal(await count(), 0)
  t.match((await status()).runs, [{ runId: other.runId }])
  await inside('touch /workspaces/a/go')
  const { ended, toolResults } = await other.done
  t.match(ended, { outcome: 'completed', swept: 0 })
  t.match(toolResults.join(), 'went on')
})

t.test('sessions belong to their workspace', async t => {
  const { started } = await at('/workspaces/a', 'x [[say x]]')
  const resume = { session: { kind: 'resume', id: started?.sessionId } }
  t.match((await at('/workspaces/ab', 'y [[say y]]', resume)).refused, { reason: 'no-session' })
  t.match((await at('/workspaces/a', 'y [[say y]]', resume)).started, {
    sessionId: started?.sessionId,
  })
})

t.test(
  'a run in the root has all workspaces, and one in a folder below has that folder',
  async t => {
    const { landlock } = await status()
    await inside('mkdir -p /workspaces/a/sub/deep; echo IN-SUB > /workspaces/a/sub/file')
    const root = await at(
      '/workspaces',
      '[[bash pwd; cat a/file a/sub/file; echo CREATED > made; ls]]',
    )
    t.match(root.toolResults.join(), /^\/workspaces\nSECRET-OF-A\nIN-SUB\n/)
    // The server sends the real path: any other could lead elsewhere a moment later.
    t.match((await at('/workspaces/a/..', 'x')).refused, { reason: 'workspace' })
    const words =
      'pwd; cat ../file; echo x > planted; cat ../../file; ls ../..; cat /workspaces/made; true'
    const deep = await at('/workspaces/a/sub/deep', `[[bash ${words}]]`)
    t.match(deep.toolResults.join(), /^\/workspaces\/a\/sub\/deep\n/)
    t.equal(/IN-SUB|SECRET-OF-A|CREATED/.test(deep.toolResults.join()), !landlock)
    t.equal((await inside('ls /workspaces/a/sub/deep/planted')).code, 0)
    const homes = 'ls -d /home/claude/workspaces/*/.claude; cat /run/secrets/token; true'
    const seen = await at('/workspaces', `[[bash ${homes}]]`)
    t.equal(
      /\/(a|ab|deep)-|a-token-of/.test(seen.toolResults.join()),
      !landlock,
      'but no other home',
    )
  },
)

t.test('the token that is given is the only one, and not in the folder of the socket', async t => {
  t.equal((await inside('ls /run/claude-secure')).stdout, 'runner.sock\n')
  const { stdout } = await inside(
    `for token in ${token} $(printf %064d 0); do curl -sS -o /dev/null -w '%{http_code} ' -H "authorization: Bearer $token" --unix-socket /run/claude-secure/runner.sock http://runner/status; done`,
  )
  t.equal(stdout, '200 401 ')
})

for (const workspace of ['/', '/workspaces/../etc', '/workspaces/missing', '/workspace2']) {
  t.test(`no workspace: ${workspace}`, async t => {
    t.match((await at(workspace, 'x')).refused, { reason: 'workspace' })
  })
}

t.test('HTTP requests without the token are refused, from inside and from a neighbour', async t => {
  const neighbour = (script: string) => stack.inside(['bash', '-c', script])
  const asked = (ask: typeof inside, host: string, bearer: string, path: string, body = '') =>
    ask(
      `curl -sS -m 600 --noproxy '*' -w '\\n%{http_code}' -H 'authorization: Bearer ${bearer}' ${body && `-d '${body}'`} http://${host}:8790${path}`,
    )
  for (const [ask, host] of [
    [inside, '127.0.0.1'],
    [neighbour, name],
  ] as const) {
    for (const path of ['/status', '/run', '/cancel', '/warm']) {
      const { stdout } = await asked(ask, host, 'wrong', path, path === '/status' ? '' : '{}')
      t.match(stdout, /\n401$/, `${path} at ${host}`)
    }
    t.match((await asked(ask, host, token, '/status')).stdout, /"runs":\[\].*\n200$/s)
    const body = JSON.stringify({
      version: 1,
      runId: '0123456789abcdef',
      workspace: '/workspaces/a',
      request: { prompt: 'over HTTP [[say hello]]' },
    })
    const { stdout } = await asked(ask, host, token, '/run', body)
    t.match(partsOf(stdout), { result: { result: 'hello' }, ended: { outcome: 'completed' } })
  }
})

t.test('a run cannot lead the runner into another workspace by a symlink in its home', async t => {
  await inside('mkdir /workspaces/a/deep && echo KEPT > /workspaces/a/deep/file')
  const plant = 'cd ~/.claude; rm -rf shell-snapshots; ln -s /workspaces/a shell-snapshots; ls -l'
  const { toolResults } = await at('/workspaces/ab', `[[bash ${plant}]]`, { maxTurns: 5 })
  t.match(toolResults.join(), 'shell-snapshots -> /workspaces/a')
  t.equal((await inside('cat /workspaces/a/deep/file')).stdout, 'KEPT\n')
})

t.test(
  'without Landlock a worker serves one workspace, and a run ends with all it started',
  async t => {
    // Docker asks for a file; the rest of its own profile does not matter here.
    const names = ['create_ruleset', 'add_rule', 'restrict_self'].map(name => `landlock_${name}`)
    const missing = { names, action: 'SCMP_ACT_ERRNO', errnoRet: 38 }
    const profile = join(await temporaryFolder(t, 'seccomp'), 'profile.json')
    await writeFile(
      profile,
      JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [missing] }),
    )
    const old = `${stack.stack}-old`
    await startWorker(old, `--security-opt=seccomp=${profile}`)
    t.match(JSON.parse((await isUp(old)).stdout), { landlock: false })
    const fresh = { session: { kind: 'fresh' } }
    const ask = (prompt: string) => openRun(old, prompt, fresh, '/workspaces/a')
    const count = async () =>
      Number((await run('docker', ['exec', old, 'pgrep', '-fc', 'sleep 1003'])).stdout)
    const strayed = await ask('[[bash (setsid sleep 1003 &) ; echo ok]]').done
    t.match(strayed.ended, { outcome: 'completed' })
    t.ok(Number(strayed.ended?.swept) >= 1, `swept ${strayed.ended?.swept}`)
    t.equal(await count(), 0)
    const client = ask(
      '[[bash (setsid sh -c \'trap "" TERM INT; sleep 1003\' &) ; tail -f /dev/null]]',
    )
    await until('the child', async () => (await count()) > 0)
    client.leave()
    t.match((await client.done).ended, { outcome: 'cancelled' })
    t.equal(await count(), 0)
    const second = await openRun(old, 'x [[say x]]', fresh, '/workspaces/ab').done
    t.match(second.refused, { reason: 'confinement', message: /no Landlock/ })
    t.match((await ask('again [[say yes]]').done).result, { result: 'yes' })
    await until('its word', async () =>
      /serves only one workspace/.test((await run('docker', ['logs', old])).stdout),
    )
  },
)
