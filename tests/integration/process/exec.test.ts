import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
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

t.test(
  'a streamed input is given as the child takes it, and a slow source is not silence',
  async t => {
    async function* pieces() {
      yield Buffer.alloc(1024 * 1024, 'a')
      await sleep(1_500)
      yield 'end'
    }
    const child = [
      '-e',
      "process.stdin.pipe(require('node:crypto').createHash('sha256')).on('data', d => console.log(d.toString('hex')))",
    ]
    const input = Readable.from(pieces(), { objectMode: false })
    const { code, stdout } = await exec(process.execPath, child, { input, timeout: 1_000 })
    const whole = createHash('sha256')
      .update('a'.repeat(1024 * 1024))
      .update('end')
      .digest('hex')
    t.same([code, stdout.trim()], [0, whole])
  },
)

t.test(
  'a child that takes no more of a streamed input is ended, and the source with it',
  async t => {
    let ended = false
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(64 * 1024)
      } finally {
        ended = true
      }
    }
    const input = Readable.from(endless(), { objectMode: false })
    const deaf = ['-e', 'setTimeout(() => {}, 60_000)']
    await t.rejects(exec(process.execPath, deaf, { input, timeout: 1_000 }), {
      message: /did not finish within 1 s/,
    })
    if (!input.closed) await once(input, 'close')
    t.ok(ended)
  },
)

t.test('a child that ends early decides by its exit code, and ends the source', async t => {
  async function* endless() {
    for (;;) yield Buffer.alloc(64 * 1024)
  }
  const input = Readable.from(endless(), { objectMode: false })
  const { code } = await exec(process.execPath, ['-e', 'process.exit(3)'], { input })
  t.equal(code, 3)
  t.ok(input.destroyed)
})

t.test('an input that goes on after the child has ended leaves no timer behind', async t => {
  class Late extends Readable {
    override async *[Symbol.asyncIterator]() {
      yield 'one\n'
      await once(this, 'close')
    }
  }
  const timers = t.capture(globalThis, 'setTimeout', setTimeout)
  const timeout = 54_321
  const { code } = await exec('sh', ['-c', 'read line'], {
    input: new Late({ read() {} }),
    timeout,
  })
  t.equal(code, 0)
  await nextTurn()
  const own = timers().filter(({ args }) => args[1] === timeout)
  t.ok(own.length > 0)
  for (const timer of own) t.match(timer, { returned: { _destroyed: true } })
})

t.test('a streamed input that fails ends the child with its error', async t => {
  async function* broken() {
    yield 'one'
    throw new Error('cannot read a file')
  }
  const input = Readable.from(broken(), { objectMode: false })
  await t.rejects(exec('cat', [], { input }), { message: 'cannot read a file' })
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
