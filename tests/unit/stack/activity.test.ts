import t from 'tap'
import { activities } from '../../../src/stack/activity.ts'
import type { StackState } from '../../../src/stack/inspect.ts'

const service = (name: string, container: string, state: 'running' | 'exited' = 'running') => ({
  ...{ name, container, state, image: '', health: 'healthy' as const, status: '', connected: true },
})

const stack = (name: string, services: StackState['services']): StackState => ({
  stack: name,
  identity: null,
  workspace: '/w',
  workspaceMode: 'mount',
  credentials: 'api-key',
  protect: '',
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
const engine = { processesWithAge: async (id: string) => processes[id] ?? [] }

t.test(
  'a session is a Claude Code in the claude container, a run a client in the worker',
  async t => {
    const found = await activities(engine, [
      stack('a', [
        service('claude', 'busy'),
        service('worker', 'worker'),
        service('proxy', 'busy'),
      ]),
      stack('b', [service('claude', 'idle')]),
      stack('c', [service('claude', 'busy', 'exited')]),
      stack('d', []),
    ])
    t.equal(found.get('a')?.runs, 2)
    const since = Date.parse(found.get('a')?.session?.since ?? '')
    t.ok(Math.abs(Date.now() - 300_000 - since) < 60_000, 'since the first of them began')
    t.same(found.get('b'), { session: null, runs: 0 })
    t.same(found.get('c'), { session: null, runs: 0 })
    t.same(found.get('d'), { session: null, runs: 0 })
  },
)
