import t from 'tap'
import {
  activities,
  countActiveRuns,
  parseStatus,
  runsInProgress,
  whyBusy,
} from '../../../src/stack/activity.ts'
import type { StackState } from '../../../src/stack/inspect.ts'

t.test('each run of the status counts, and only a valid id is returned', async t => {
  t.same(parseStatus('{"runs":[],"warm":[1],"landlock":true}\n'), [])
  const runs = [{ runId: '0123456789abcdef' }, { runId: '\x1b[2J' }, 3]
  t.same(parseStatus(JSON.stringify({ runs })), ['0123456789abcdef', 'unknown', 'unknown'])
})

t.test('an answer that is not a status is no answer', async t => {
  for (const text of ['', 'error', '{}', '{"runs":3}']) t.equal(parseStatus(text), null, text)
})

t.test('an engine that is not there is a runner that does not answer', async t => {
  t.equal(await countActiveRuns({ socketPath: '/nonexistent' }, 'x'), null)
})

const service = (name: string, container: string, state: 'running' | 'exited' = 'running') => ({
  ...{ name, container, state, image: '', health: 'healthy' as const, status: '', connected: true },
})

const stack = (name: string, services: StackState['services']): StackState => ({
  stack: name,
  identity: null,
  workspace: '/w',
  workspaceMode: 'mount',
  credentials: 'api-key',
  upstream: '',
  keeper: null,
  protect: '',
  protectAlso: '',
  parent: null,
  upstreamPrivate: '',
  fingerprint: '',
  created: 1,
  services,
})

/** What is in the containers, which are not on this machine. */
const processes: Record<string, { command: string; seconds: number }[]> = {
  busy: [
    { command: 'sleep infinity', seconds: 500 },
    { command: 'claude --dangerously-skip-permissions', seconds: 300 },
    { command: '/opt/claude/claude mcp', seconds: 20 },
  ],
  idle: [
    { command: 'sleep infinity', seconds: 500 },
    { command: 'bash -c claude', seconds: 5 },
  ],
  worker: [
    { command: 'node /opt/claude-secure/runner.js', seconds: 500 },
    { command: '/usr/bin/perl /usr/local/bin/claude-secure-run', seconds: 5 },
    { command: '/usr/bin/perl /usr/local/bin/claude-secure-run', seconds: 4 },
    { command: '/usr/bin/perl /usr/local/bin/claude-secure-run --status', seconds: 0 },
    { command: 'claude --print', seconds: 400 },
  ],
}
const address = { socketPath: '/nonexistent' }
const engine = {
  address,
  processesWithAge: async (id: string) => processes[id] ?? [],
  processes: async (id: string) => (processes[id] ?? []).map(({ command }) => command),
}
const silent = async () => null

t.test(
  'a session is a Claude Code in the claude container, a run a client in the worker',
  async t => {
    const found = await activities(
      engine,
      [
        stack('a', [
          service('claude', 'busy'),
          service('worker', 'worker'),
          service('proxy', 'busy'),
        ]),
        stack('b', [service('claude', 'idle')]),
        stack('c', [service('claude', 'busy', 'exited')]),
        stack('d', []),
      ],
      silent,
    )
    t.equal(found.get('a')?.runs, 2)
    const since = Date.parse(found.get('a')?.session?.since ?? '')
    t.ok(Math.abs(Date.now() - 300_000 - since) < 60_000, 'since the first of them began')
    t.same(found.get('b'), { session: null, runs: 0 })
    t.same(found.get('c'), { session: null, runs: 0 })
    t.same(found.get('d'), { session: null, runs: 0 })
  },
)

t.test('runs are those that the runner counts, whichever way they came', async t => {
  const worker = stack('a', [service('worker', 'idle')])
  t.equal((await activities(engine, [worker], async () => 3)).get('a')?.runs, 3)
  t.equal(await whyBusy(engine, worker, async () => 1), 'a run is in progress')
  t.equal(await whyBusy(engine, worker, async () => 3), '3 runs are in progress')
})

t.test('warm processes keep no stack up when the runner says that nothing runs', async t => {
  const worker = stack('a', [service('worker', 'worker')])
  t.equal((await activities(engine, [worker], async () => 0)).get('a')?.runs, 0)
  t.equal(await whyBusy(engine, worker, async () => 0), null)
})

t.test('a runner that does not answer is busy while Claude Code runs beside it', async t => {
  const reason = await whyBusy(engine, stack('a', [service('worker', 'worker')]), silent)
  t.equal(reason, 'the runner does not answer, and Claude Code runs in the worker')
  t.equal(await whyBusy(engine, stack('a', [service('worker', 'idle')]), silent), null)
  t.equal(await whyBusy(engine, stack('a', [service('worker', 'worker')])), reason, 'no engine')
  const warm = { ...engine, processesWithAge: async () => [{ command: 'claude', seconds: 1 }] }
  const found = await activities(warm, [stack('a', [service('worker', 'w')])], silent)
  t.equal(found.get('a')?.runs, 1)
})

t.test('an engine that cannot list processes is an error, and not an idle stack', async t => {
  const broken = { address, processes: async () => Promise.reject(new Error('no answer')) }
  for (const name of ['claude', 'worker']) {
    const busy = whyBusy(broken, stack('a', [service(name, 'x')]), silent)
    await t.rejects(busy, { message: 'no answer' }, name)
  }
})

t.test('an open session makes a stack busy; a stopped container does not', async t => {
  const open = stack('a', [service('claude', 'busy')])
  t.equal(await whyBusy(engine, open, async () => 0), 'a session is open')
  t.equal(await whyBusy(engine, stack('a', [service('claude', 'busy', 'exited')])), null)
})

t.test(
  'the runs that a stop would end are listed, and nothing in the way of a stop throws',
  async t => {
    const container = (stack: string, name: string, state = 'running') => ({
      ...{ Id: `${stack}-${name}`, Names: [], Image: '', ImageID: '', State: state, Status: 'Up' },
      ...{
        Created: 1,
        Labels: { 'claude-secure.stack': stack, 'com.docker.compose.service': name },
      },
    })
    const engine = {
      address,
      containers: async () => [
        ...[container('a', 'worker'), container('b', 'worker'), container('c', 'worker', 'exited')],
        ...[container('d', 'claude'), container('e', 'worker'), container('f', 'worker')],
      ],
    }
    const runs: Record<string, string[] | null> = {
      ...{ 'a-worker': ['0123456789abcdef'], 'b-worker': [], 'c-worker': ['1'], 'f-worker': ['2'] },
    }
    const ask = async (id: string) => {
      if (id === 'e-worker') throw new Error('the engine is gone')
      return runs[id] ?? null
    }
    t.same(
      await runsInProgress(engine, ['a', 'b', 'c', 'd', 'e'], ask),
      new Map([['a', ['0123456789abcdef']]]),
    )
    const gone = { address, containers: () => Promise.reject(new Error('no answer')) }
    t.same(await runsInProgress(gone, ['a'], ask), new Map())
  },
)
