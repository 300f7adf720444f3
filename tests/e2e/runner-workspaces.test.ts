import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
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
t.teardown(() => run('docker', ['rm', '--force', '--volumes', name]))
await must('docker', [
  'run',
  '--detach',
  '--init',
  '--name',
  name,
  `--network=${stack.stack}_claude-internal`,
  `--user=${owner}:${owner}`,
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
  ...inspected.Config.Env.flatMap((pair: string) => ['--env', pair]),
  inspected.Config.Image,
  'sh',
  '-c',
  'mkdir /workspaces/a /workspaces/ab; echo SECRET-OF-A > /workspaces/a/file; exec claude-secure-runner',
])
const inside = (script: string) => run('docker', ['exec', name, 'bash', '-c', script])
await until('the runner', async () => (await inside('claude-secure-run --status')).code === 0)
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

t.test('where the kernel can, a run sees nothing of another workspace', async t => {
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

t.test('sessions are those of the workspace', async t => {
  const { started } = await at('/workspaces/a', 'x [[say x]]')
  const resume = { session: { kind: 'resume', id: started?.sessionId } }
  t.match((await at('/workspaces/ab', 'y [[say y]]', resume)).refused, { reason: 'no-session' })
  t.match((await at('/workspaces/a', 'y [[say y]]', resume)).started, {
    sessionId: started?.sessionId,
  })
})

for (const workspace of [
  '/',
  '/workspaces',
  '/workspaces/../etc',
  '/workspaces/a/..',
  '/workspace2',
]) {
  t.test(`no workspace: ${workspace}`, async t => {
    t.match((await at(workspace, 'x')).refused, { reason: 'workspace' })
  })
}

t.test('over HTTP nobody gets in without the token', async t => {
  const fetched = (bearer: string, path: string, body = '') =>
    inside(
      `curl -sS -m 60 -w '\\n%{http_code}' -H 'authorization: Bearer ${bearer}' ${body && `-d '${body}'`} http://127.0.0.1:8790${path}`,
    )
  for (const path of ['/status', '/run', '/cancel', '/warm']) {
    t.match((await fetched('wrong', path, path === '/status' ? '' : '{}')).stdout, /\n401$/)
  }
  t.match((await fetched(token, '/status')).stdout, /"runs":\[\].*\n200$/s)
  const body = JSON.stringify({
    version: 1,
    runId: '0123456789abcdef',
    workspace: '/workspaces/a',
    request: { prompt: 'over HTTP [[say hello]]' },
  })
  const { stdout } = await fetched(token, '/run', body)
  t.match(partsOf(stdout), { result: { result: 'hello' }, ended: { outcome: 'completed' } })
})

t.test('a run cannot lead the runner into another workspace by a link in its home', async t => {
  await inside('mkdir /workspaces/a/deep && echo KEPT > /workspaces/a/deep/file')
  const plant = 'cd ~/.claude; rm -rf shell-snapshots; ln -s /workspaces/a shell-snapshots; ls -l'
  const { toolResults } = await at('/workspaces/ab', `[[bash ${plant}]]`, { maxTurns: 5 })
  t.match(toolResults.join(), 'shell-snapshots -> /workspaces/a')
  t.equal((await inside('cat /workspaces/a/deep/file')).stdout, 'KEPT\n')
})
