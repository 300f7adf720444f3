import t from 'tap'
import { createDeferred } from '../../../../src/base/async.ts'
import type { ClaudeProcess, Exit } from '../../../../src/runner/claude/process.ts'
import { endGracefully, forceEnd, steps, stepsFor } from '../../../../src/runner/ending/ladder.ts'

/** A claude that ends at the `deadly` step only. */
function claudeThatEndsAt(deadly: string) {
  const { promise, resolve } = createDeferred<Exit>()
  const seen: string[] = []
  const step = (name: string) => {
    seen.push(name)
    if (name === deadly) resolve({ exitCode: null, signal: name, swept: 0 })
  }
  const claude: ClaudeProcess = {
    pid: 1,
    onLine: () => {},
    onStderr: () => {},
    write: () => {},
    endInput: () => step('end'),
    signal: step,
    kill: () => step('kill'),
    ended: promise,
    hasEnded: () => false,
    present: () => new Set(),
    giveUp: error => {
      step('give up')
      throw error
    },
    settle: async () => true,
    sweep: async () => {
      step('sweep')
      return 0
    },
  }
  return { claude, seen }
}
const quick = { interrupt: 5, terminate: 5, kill: 5, die: 5 }

for (const [deadly, expected] of [
  ['SIGINT', ['SIGINT']],
  ['SIGTERM', ['SIGINT', 'SIGTERM']],
  ['SIGUSR1', ['SIGINT', 'SIGTERM', 'SIGUSR1']],
  ['kill', ['SIGINT', 'SIGTERM', 'SIGUSR1', 'sweep', 'kill']],
] as const) {
  t.test(`one that ends at ${deadly}`, async t => {
    const { claude, seen } = claudeThatEndsAt(deadly)
    t.match(await forceEnd(claude, quick), { signal: deadly })
    t.strictSame(seen, expected)
  })
}

t.test('one that survives SIGKILL ends the runner', async t => {
  const { claude, seen } = claudeThatEndsAt('never')
  await t.rejects(forceEnd(claude, quick), { message: 'claude survives SIGKILL' })
  t.equal(seen.at(-1), 'give up')
})

t.test('all steps together take less than 5 s', async t => {
  t.ok(steps.interrupt + steps.terminate + steps.kill < 4_500)
})

t.test('with many processes the timeouts are shorter', async t => {
  t.equal(stepsFor(149), steps)
  const { interrupt, terminate, kill } = stepsFor(150)
  t.ok(interrupt + terminate < 1_000, 'long before the bound')
  t.ok(interrupt + terminate + kill < 4_500)
})

t.test('after its result claude may end by itself until a timeout', async t => {
  const willing = claudeThatEndsAt('end')
  t.match(await endGracefully(willing.claude, 1_000), { signal: 'end' })
  const other = claudeThatEndsAt('SIGINT')
  t.match(await endGracefully(other.claude, 5), { signal: 'SIGINT' })
  t.strictSame(other.seen, ['end', 'SIGINT'])
})
