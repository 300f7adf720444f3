import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { run, until } from '../support/stack/process.ts'
import { createTestStack, sentinel } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, {})
const claude = join(stack.checkout, 'claude.ts')

async function detach(prompt: string, ...more: string[]) {
  const { code, stdout, stderr } = await stack.cli([
    ...['run', '--detach', '--no-continue', ...more, prompt],
  ])
  t.equal(code, 0, stderr)
  t.match(stdout, /^[0-9a-f]{16}\n$/, 'its id is all that stdout gets')
  return stdout.trim()
}

// Claude Code refuses a long sleep that stands alone.
const endless = '[[bash tail -f /dev/null]]'
const tails = async () =>
  (await stack.inside(['pgrep', '-xc', 'tail'], { service: 'worker' })).stdout.trim()
const atWork = () => until('the agent to be at work', async () => (await tails()) === '1')

// These last until the test lets them end, and are seen to last.
const gated = (name: string) => `[[bash until test -e ${name}; do sleep 0.2; done]]`
const letEnd = (name: string) => writeFile(join(stack.workspace, name), '')

type Listed = { runId: string; status: string; prompt: string }
const list = async () => JSON.parse((await stack.cli(['run', 'list', '--json'])).stdout) as Listed[]

t.test('a detached run prints its id, and its result can be read again and again', async t => {
  const id = await detach(`${gated('first')} [[say done at last]]`)
  t.match(await list(), [{ runId: id, status: 'running' }])
  const early = await stack.cli(['run', 'result', id])
  t.equal(early.code, 3, 'a status of its own')
  t.match(early.stderr, /has not ended[\s\S]*--wait/)
  const waiting = stack.cli(['run', 'result', id, '--wait'])
  await letEnd('first')
  const waited = await waiting
  t.match(waited, { code: 0, stdout: 'done at last\n' })
  for (let i = 0; i < 2; i++) {
    const json = ['run', 'result', id, '--output-format', 'json-verbose']
    t.match(JSON.parse((await stack.cli(json)).stdout), { result: 'done at last', turns: Array })
  }
  const stream = await stack.cli(['run', 'result', '--output-format', 'stream-json'])
  t.match(JSON.parse(stream.stdout.trim().split('\n').at(-1) ?? ''), { type: 'result' })
  const logs = await stack.cli(['run', 'logs', id])
  t.match(logs.stdout, /> Bash: until test -e first[\s\S]*done at last[\s\S]*succeeded/)
})

t.test('logs -f follows a run until it ends; Ctrl-C leaves the run alone', async t => {
  const id = await detach(`[[bash echo first]] [[bash sleep 6]] [[say at last]]`)
  const watcher = await stack.terminal(['run', 'logs', id, '-f'])
  await watcher.waitFor(/> Bash: echo first/)
  await watcher.hangUp()
  const followed = await stack.cli(['run', 'logs', id, '--follow'])
  t.equal(followed.code, 0, followed.stderr)
  t.match(followed.stdout, /> Bash: echo first[\s\S]*at last[\s\S]*\nsucceeded\n$/)
})

t.test('names that it was refused are listed with its result', async t => {
  const curl = 'curl -s https://nobody.test/; until test -e third; do sleep 0.2; done'
  const id = await detach(`[[bash ${curl}]] [[say done]]`)
  // The proxy writes a line some time after its answer.
  await until('the line', async () => {
    const { stdout } = await run('docker', ['logs', stack.container('proxy')])
    return stdout.includes('"nobody.test"')
  })
  await letEnd('third')
  const { code, stdout, stderr } = await stack.cli(['run', 'result', id, '--wait'])
  t.match({ code, stdout }, { code: 0, stdout: 'done\n' })
  t.match(stderr, /blocked: nobody\.test \(1×\), \S*\/claude\.ts allow --here nobody\.test/)
})

t.test('it outlives its terminal', async t => {
  const terminal = await stack.terminal(['run', '--detach', `${gated('second')} [[say survived]]`])
  t.equal(await terminal.exitStatus(), 0)
  await terminal.hangUp()
  const [{ runId: id, status } = { runId: '', status: '' }] = await list()
  t.equal(status, 'running')
  await letEnd('second')
  const { stdout } = await stack.cli(['run', 'result', id, '--wait'])
  t.equal(stdout, 'survived\n')
})

t.test('the command that started it does not wait for it', async t => {
  const outcome = await run(
    'bash',
    ['-c', 'x=$("$1" run --detach "$2"); echo "<$x>"', 'bash', claude, endless],
    {
      cwd: stack.workspace,
      env: stack.env,
    },
  )
  t.match(outcome.stdout, /^<[0-9a-f]{16}>\n$/)
  const [first] = await list()
  t.equal(first?.status, 'running')

  await t.test('a second run is refused, unless it waits', async t => {
    const second = await stack.cli(['run', '--detach', 'x'])
    t.equal(second.code, 1)
    t.match(second.stderr, `workspace busy with run ${first?.runId}`)
    const waiting = await detach('[[say after the other]]', '--wait')
    await until('it to wait', async () => (await list()).some(({ runId }) => runId === waiting))
    const cancelled = await stack.cli(['run', 'cancel', first?.runId ?? ''])
    t.equal(cancelled.code, 0, cancelled.stderr)
    t.equal((await stack.cli(['run', 'result', waiting, '--wait'])).stdout, 'after the other\n')
    const result = await stack.cli(['run', 'result', first?.runId ?? ''])
    t.equal(result.code, 130)
  })
})

t.test('cancel --all ends active runs, and reports those that have ended', async t => {
  const id = await detach(endless)
  await atWork()
  t.equal((await stack.cli(['run', 'cancel', '--all'])).code, 0)
  t.equal(await tails(), '0')
  t.match((await stack.cli(['run', 'cancel', id])).stderr, /has ended: cancelled/)
  t.match((await stack.cli(['run', 'cancel', '--all'])).stderr, /no run is active here/)
})

t.test('a run whose watcher was killed is interrupted, and gone', async t => {
  const id = await detach(endless)
  await atWork()
  await run('pkill', ['-KILL', '-f', `run supervise ${id}`])
  await until('the run to be known as interrupted', async () =>
    (await list()).some(({ runId, status }) => runId === id && status === 'interrupted'),
  )
  await until('nothing of it to be left', async () => (await tails()) === '0')
  const { code, stderr } = await stack.cli(['run', 'result', id])
  t.equal(code, 1)
  t.match(stderr, /interrupted/)
})

t.test('wrong ids are refused with a message', async t => {
  for (const args of [
    ['result', '0123456789abcdef'],
    ['result', '../../etc'],
    ['cancel', 'x'],
    ['cancel'],
    ['logs', '\x1b[31m'],
  ]) {
    const { code, stderr } = await stack.cli(['run', ...args])
    t.equal(code, 2, args.join(' '))
    t.match(stderr, /^error: .*\nhint: {2}.*\n$/)
    t.notMatch(stderr, '\x1b')
  }
})

t.test('the process that watches a run holds no secret', async t => {
  const started = await run(claude, ['run', '--detach', endless], {
    cwd: stack.workspace,
    env: { ...stack.env, ANTHROPIC_API_KEY: sentinel },
  })
  const id = started.stdout.trim()
  const { stdout } = await run('bash', [
    '-c',
    'for p in $(pgrep -f "$1"); do tr "\\0" "\\n" < /proc/$p/environ; tr "\\0" " " < /proc/$p/cmdline; done',
    'bash',
    `run supervise ${id}`,
  ])
  t.match(stdout, id)
  t.notMatch(stdout, /tail -f|SENTINEL/)
  await stack.cli(['run', 'cancel', id])
})
