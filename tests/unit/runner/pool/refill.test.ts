import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createDeferred } from '../../../../src/base/async.ts'
import type { ClaudeProcess, Exit } from '../../../../src/runner/claude/process.ts'
import { createPool } from '../../../../src/runner/pool/pool.ts'
import { createQuietTime, createRefill } from '../../../../src/runner/pool/refill.ts'
import { until } from '../../../support/stack/process.ts'

function refillIn(
  t: Test,
  { free = Number.POSITIVE_INFINITY, isQuiet = (): boolean => true } = {},
) {
  const root = t.testdir({ workspace: {}, home: {} })
  const workspace = { path: `${root}/workspace`, key: 'w', home: `${root}/home`, temporary: root }
  const pool = createPool({ size: 4, freeMemory: () => free })
  const profiles: unknown[] = []
  const written: string[] = []
  const claude = (gone = createDeferred<Exit>()): ClaudeProcess => ({
    pid: 1,
    onLine: () => {},
    onStderr: () => {},
    write: text => void written.push(text),
    endInput: () => {},
    signal: () => {},
    kill: () => gone.resolve({ exitCode: null, signal: 'SIGKILL', swept: 0 }),
    ended: gone.promise,
    hasEnded: () => false,
    present: () => new Set(),
    settle: async () => true,
    sweep: async () => 0,
    giveUp: error => {
      throw error
    },
  })
  const launch = (_: unknown, { session, ...profile }: { session: unknown }) => {
    profiles.push(profile)
    return { claude: claude(), meter: 'm' }
  }
  const refill = createRefill({ launch, repair: () => {}, pool, isQuiet, pause: 1 })
  t.teardown(() => refill.close())
  return { refill, workspace, profiles, pool, written }
}

t.test('repeated requests keep one process ready', async t => {
  const { refill, workspace, profiles, pool } = refillIn(t)
  t.equal(refill.now(workspace, { model: 'haiku' }), true)
  t.equal(refill.now(workspace, { model: 'haiku' }), true)
  t.strictSame(profiles, [{ model: 'haiku' }])
  t.equal(pool.list().length, 1)
})

t.test(
  'a process takes the expected opening at its start, and one without makes room for it',
  async t => {
    const { refill, workspace, profiles, written } = refillIn(t)
    refill.now(workspace, {})
    t.strictSame(written, [])
    for (const _ of [1, 2]) refill.now(workspace, {}, 'the opening')
    t.strictSame(written, ['the opening'])
    refill.now(workspace, {})
    t.equal(profiles.length, 3, 'the next run may have another opening')
  },
)

t.test('no process is started without free memory or after close', async t => {
  const short = refillIn(t, { free: 1 })
  t.equal(short.refill.now(short.workspace, {}), false)
  const closed = refillIn(t)
  closed.refill.close()
  t.equal(closed.refill.now(closed.workspace, {}), false)
  t.strictSame([...short.profiles, ...closed.profiles], [])
})

t.test('a deferred start waits until no run is in progress', async t => {
  let isQuiet = false
  const { refill, workspace, profiles } = refillIn(t, { isQuiet: () => isQuiet })
  refill.later(workspace, { tools: ['Read'] })
  refill.later(workspace, { tools: [] })
  refill.look()
  await new Promise(resolve => setTimeout(resolve, 20))
  t.strictSame(profiles, [])
  isQuiet = true
  refill.look()
  await until('a process', async () => profiles.length > 0, 10_000)
  t.strictSame(profiles, [{ tools: [] }], 'the last one asked for')
})

t.test('tasks wait until no run is in progress, and run one after the other', async t => {
  let runs = 1
  const done: string[] = []
  const quiet = createQuietTime(() => runs === 0, 1)
  const work = (name: string) => async () => {
    done.push(`${name} begins`)
    await sleep(5)
    done.push(`${name} ends`)
  }
  quiet.later('a', work('old'))
  quiet.later('a', work('a'))
  quiet.later('b', work('b'))
  await sleep(20)
  t.strictSame(done, [], 'a run is under way')
  runs = 0
  quiet.look()
  while (done.length < 4) await sleep(5)
  t.strictSame(done, ['a begins', 'a ends', 'b begins', 'b ends'])
})

t.test('a run between two tasks goes first', async t => {
  let runs = 0
  const done: string[] = []
  const quiet = createQuietTime(() => runs === 0, 1)
  quiet.later('a', async () => {
    done.push('a')
    runs = 1
  })
  quiet.later('b', async () => done.push('b'))
  await sleep(30)
  t.strictSame(done, ['a'])
  runs = 0
  quiet.look()
  while (done.length < 2) await sleep(5)
  t.pass('and then the rest is done')
})

t.test('a failed task does not stop the others; after close none starts', async t => {
  const done: string[] = []
  const quiet = createQuietTime(() => true, 1)
  quiet.later('a', async () => {
    throw new Error('no')
  })
  quiet.later('b', async () => done.push('b'))
  while (done.length < 1) await sleep(5)
  quiet.later('c', async () => done.push('c'))
  quiet.close()
  await sleep(20)
  t.strictSame(done, ['b'])
})
