import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { must, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// Claude Code pauses longer before each retry; what is reported after the last does not depend on their number.
const stack = await createTestStack(t, {
  settings: { CLAUDE_ENV_CLAUDE_CODE_MAX_RETRIES: '2' },
})
const claude = join(stack.checkout, 'claude.ts')
const run = (args: readonly string[]) => stack.cli(['run', ...args], { timeout: 600_000 })

t.test('each error of the API has its message, its hint and exit 1', async t => {
  for (const [status, hint] of [
    [400, /--model/],
    [401, /\.env/],
    [403, /\.env/],
    [404, /--model/],
    [413, /shorten|too long/],
    [429, /wait/],
    [500, /later/],
    [529, /later/],
  ] as const) {
    const args = ['--no-continue', '--output-format', 'json', `[[error ${status}]]`]
    const { code, stdout, stderr } = await run(args)
    t.equal(code, 1, `${status}: ${stderr}`)
    t.not(stdout, '', stderr)
    t.match(JSON.parse(stdout), { is_error: true })
    const [error, next] = stderr.trim().split('\n').slice(-2)
    t.match(error, new RegExp(`^error: .*(${status}|too large|too long)`, 'i'), `${status}`)
    t.match(next, /^hint: {2}/)
    t.match(next, hint, `${status}`)
  }
})

t.test('a transient error is not reported', async t => {
  t.equal((await run(['--no-continue', '[[error 529 1]] [[say after all]]'])).stdout, 'after all\n')
  const dropped = await run(['--no-continue', '[[stream 10 1 10]] [[drop 3 1]]'])
  t.equal(dropped.code, 0, dropped.stderr)
  t.match(dropped.stdout, /^0 \.+1 \.+/)
})

t.test('a stream that is cut repeatedly ends with a message', async t => {
  const drop = '[[stream 10 1 10]] [[drop 0]]'
  const { code, stdout, stderr } = await run(['--no-continue', '--timeout', '2m', drop])
  t.equal(code, 1)
  t.equal(stdout, '')
  t.match(stderr, /^error: the model API .*(502|broke before it answered).*\nhint: {2}\S/m)
})

t.test('a run that times out ends with 124', async t => {
  // Before its request no run waits for the model: Claude Code may need seconds to start beside other work.
  const { code, stderr } = await run(['--no-continue', '--timeout', '20s', '[[delay 90000]]'])
  t.equal(code, 124)
  t.match(
    stderr,
    /did not end within 20 s, and the model API sent no answer[\s\S]*hint: {2}.*--timeout/,
  )
})

/** A run in the background whose agent sleeps in a session of its own and does not listen to signals. */
function startStubborn(t: { teardown: (body: () => void) => void }): ChildProcess {
  const script = 'setsid bash -c \'trap "" INT TERM; sleep 4242\' & sleep 4242'
  const child = spawn(claude, ['run', '--no-continue', `[[bash ${script}]]`], {
    cwd: stack.workspace,
    env: stack.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

const sleeping = async () =>
  (await stack.inside(['pgrep', '-fc', 'sleep 4242'], { service: 'worker' })).stdout.trim()

/** Both of them sleep: by then the one does not listen any more. */
const atWork = () =>
  until('the agent to be at work', async () => {
    const both = ['pgrep', '-fxc', 'sleep 4242']
    return (await stack.inside(both, { service: 'worker' })).stdout.trim() === '2'
  })

async function ended(child: ChildProcess) {
  let stderr = ''
  child.stderr?.on('data', chunk => {
    stderr += chunk
  })
  const [code, signal] = await new Promise<[number | null, string | null]>(resolve =>
    child.once('close', (code, signal) => resolve([code, signal])),
  )
  return { code, signal, stderr }
}

t.test('Ctrl-C cancels, and returns when nothing of the run is left', async t => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = startStubborn(t)
    const end = ended(child)
    await atWork()
    child.kill(signal)
    t.match(await end, { code: 130, stderr: /interrupted|cancelled/ }, signal)
    t.equal(await sleeping(), '0')
    t.equal((await run(['--no-continue', '[[say free]]'])).stdout, 'free\n')
  }
})

t.test('a second Ctrl-C leaves at once', async t => {
  const child = startStubborn(t)
  const end = ended(child)
  await atWork()
  // A runner that hears nothing: the first one alone would wait for it.
  const toRunner = (signal: string) =>
    stack.inside(['pkill', signal, '-f', 'runner[.]js'], { service: 'worker' })
  t.equal((await toRunner('-STOP')).code, 0)
  const again = setInterval(() => child.kill('SIGINT'), 500)
  t.match(await end, { signal: 'SIGINT' })
  clearInterval(again)
  t.equal((await toRunner('-CONT')).code, 0)
  await until('nothing of it to be left', async () => (await sleeping()) === '0')
})

t.test('killing the client ends its run and frees the folder', async t => {
  const child = startStubborn(t)
  const end = ended(child)
  await atWork()
  child.kill('SIGKILL')
  await end
  const since = Date.now()
  await until('nothing of it to be left', async () => (await sleeping()) === '0')
  t.comment(`nothing was left after ${Date.now() - since} ms`)
  // The runner frees the folder a moment after the last process has ended.
  const free = async () => (await run(['--no-continue', '[[say free]]'])).stdout === 'free\n'
  await until('the folder to be free', free)
  await until('its end to be known', async () => {
    const { stdout } = await stack.cli(['run', 'list', '--json'])
    return JSON.parse(stdout).some(({ status }: { status: string }) => status === 'interrupted')
  })
})

t.test('a second run in the folder is refused with the id of the first', async t => {
  const child = startStubborn(t)
  const end = ended(child)
  await atWork()
  const second = await run(['x'])
  t.equal(second.code, 1)
  const id = /workspace busy with run ([0-9a-f]{16})/.exec(second.stderr)?.[1]
  t.ok(id, second.stderr)
  t.match(second.stderr, `run cancel ${id}`)
  const waiting = run(['--wait', '--no-continue', '[[say at last]]'])
  await until('the one that waits', async () => {
    const { stdout } = await stack.cli(['run', 'list', '--json'])
    return JSON.parse(stdout).some(({ prompt }: { prompt: string }) => /at last/.test(prompt))
  })
  const cancelled = await stack.cli(['run', 'cancel', id ?? ''])
  t.equal(cancelled.code, 0, cancelled.stderr)
  t.match(cancelled.stderr, /all its processes are gone/)
  t.equal(await sleeping(), '0')
  t.match(await end, { code: 130, stderr: /was cancelled/ })
  t.equal((await waiting).stdout, 'at last\n')
})

t.test('a worker that is killed during a run is reported', async t => {
  const child = startStubborn(t)
  const end = ended(child)
  await atWork()
  await must('docker', ['kill', stack.container('worker')])
  t.match(await end, { code: 1, stderr: /connection to the worker was lost[\s\S]*hint: {2}/ })
  await until(
    'the worker to be back',
    async () => (await run(['--no-continue', '[[say back]]'])).stdout === 'back\n',
  )
})

t.test('stopping the stack ends a run with a reason', async t => {
  const child = startStubborn(t)
  const end = ended(child)
  await atWork()
  // A network with a stranger in it cannot be removed.
  await stack.internet.detach()
  t.equal((await stack.cli(['stop'])).code, 0)
  t.match(await end, { code: 1, stderr: /worker was (stopped|lost)/ })
})

t.test('without a stack, a run starts the services that it needs, and no session', async t => {
  // The stand-in internet went with the stack: this is also the model API that is not there.
  const { code, stdout, stderr } = await run(['--output-format', 'json', 'hello'])
  t.equal(code, 1)
  t.match(stderr, /^error: the model API .*\nhint: {2}.*doctor/m)
  t.match(JSON.parse(stdout), { type: 'result', is_error: true })
  const names = await must('docker', [
    ...['ps', '--format', '{{.Label "com.docker.compose.service"}}'],
    ...['--filter', `label=com.docker.compose.project=${stack.stack}`],
  ])
  t.same(names.trim().split('\n').toSorted(), ['gateway', 'proxy', 'worker'])
})
