import t from 'tap'
import { exec, execOk } from '../../../src/process/exec.ts'

t.test('arguments stay arguments: nothing in them reaches a shell', async t => {
  const hostile = ['$(touch /tmp/pwned)', '`id`', '; id', "' || id", '--help\n', '*']
  const { stdout } = await exec('printf', ['%s\n', ...hostile])
  t.equal(stdout, `${hostile.join('\n')}\n`)
})

t.test('output, error output and exit code come back', async t => {
  t.same(await exec('sh', ['-c', 'echo out; echo err >&2; exit 7']), {
    code: 7,
    stdout: 'out\n',
    stderr: 'err\n',
  })
})

t.test('input is given to the child, also to one that does not read it', async t => {
  t.equal((await exec('cat', [], { input: 'hello' })).stdout, 'hello')
  t.equal((await exec('true', [], { input: 'x'.repeat(1_000_000) })).code, 0)
})

t.test('lines are told while the child runs', async t => {
  const lines: string[] = []
  await exec('sh', ['-c', 'printf "a\\nb"; printf "c\\n"'], { onLine: line => lines.push(line) })
  t.same(lines, ['a', 'bc'])
})

t.test('a child that takes too long is ended, and its whole family with it', async t => {
  await t.rejects(exec('sleep', ['60'], { timeout: 100 }), {
    message: /did not finish within 0.1 s/,
  })
})

t.test('a child that ignores SIGTERM is killed', async t => {
  const script = 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
  const controller = new AbortController()
  const lines: string[] = []
  const stubborn = exec('sh', ['-c', script], {
    grace: 200,
    signal: controller.signal,
    onLine: line => {
      lines.push(line)
      controller.abort(new Error('interrupted'))
    },
  })
  await t.rejects(stubborn, { message: 'interrupted' })
  t.same(lines, ['ready'], 'it was there, and ignored SIGTERM')
})

t.test('abort ends the child with the reason that was given', async t => {
  const controller = new AbortController()
  const running = exec('sleep', ['60'], { signal: controller.signal })
  controller.abort(new Error('interrupted'))
  await t.rejects(running, { message: 'interrupted' })
  await t.rejects(exec('true', [], { signal: controller.signal }), { message: 'interrupted' })
})

t.test('a child that floods us is ended', async t => {
  await t.rejects(exec('yes', [], { limit: 10_000 }), { message: /printed more than 10000 bytes/ })
})

t.test('a missing program is named, with the next step', async t => {
  await t.rejects(exec('no-such-program', []), {
    name: 'UserError',
    message: /cannot run no-such-program/,
    hint: /setup/,
  })
})

t.test(
  'execOk turns an exit code into an error with the last line of stderr, made harmless',
  async t => {
    await t.rejects(execOk('sh', ['-c', 'echo first >&2; printf "\\033[31mlast\\n" >&2; exit 3']), {
      message: /failed with exit code 3: last$/,
    })
  },
)
