import t, { type Test } from 'tap'
import type { ClaudeProcess } from '../../../../src/runner/claude/process.ts'
import { createPool } from '../../../../src/runner/pool/pool.ts'
import { createRefill } from '../../../../src/runner/pool/refill.ts'
import { until } from '../../../support/stack/process.ts'

function refillIn(
  t: Test,
  { free = Number.POSITIVE_INFINITY, isQuiet = (): boolean => true } = {},
) {
  const root = t.testdir({ workspace: {}, home: {} })
  const workspace = { path: `${root}/workspace`, key: 'w', home: `${root}/home`, temporary: root }
  const pool = createPool({ most: 4, freeMemory: () => free })
  const profiles: unknown[] = []
  const claude: ClaudeProcess = {
    pid: 1,
    onLine: () => {},
    onStderr: () => {},
    write: () => {},
    endInput: () => {},
    signal: () => {},
    kill: () => {},
    ended: new Promise(() => {}),
    hasEnded: () => false,
    present: () => new Set(),
    settle: async () => true,
    sweep: async () => 0,
  }
  const launch = (_: unknown, { session, ...profile }: { session: unknown }) => {
    profiles.push(profile)
    return { claude, meter: 'm' }
  }
  const refill = createRefill({ launch, pool, isQuiet, pause: 1 })
  t.teardown(() => refill.close())
  return { refill, workspace, profiles, pool }
}

t.test('one is ready, however often it is asked for', async t => {
  const { refill, workspace, profiles, pool } = refillIn(t)
  t.equal(refill.now(workspace, { model: 'haiku' }), true)
  t.equal(refill.now(workspace, { model: 'haiku' }), true)
  t.strictSame(profiles, [{ model: 'haiku' }])
  t.equal(pool.list().length, 1)
})

t.test('none where memory is short, or all is over', async t => {
  const short = refillIn(t, { free: 1 })
  t.equal(short.refill.now(short.workspace, {}), false)
  const closed = refillIn(t)
  closed.refill.close()
  t.equal(closed.refill.now(closed.workspace, {}), false)
  t.strictSame([...short.profiles, ...closed.profiles], [])
})

t.test('later is when no run is under way', async t => {
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
