import t from 'tap'
import { type EgressEntry, readEgressLog } from '../../../src/operations/egress-log.ts'
import type { ServiceState, StackState } from '../../../src/stack/inspect.ts'

const service = (name: string): ServiceState => ({
  ...{ name, container: `${name}-id`, image: 'i', state: 'running', health: 'healthy' },
  ...{ status: 'Up', connected: true },
})
const state: StackState = {
  ...{ stack: 'claude-secure-a-00000001', identity: null, workspace: '/w', workspaceMode: 'mount' },
  ...{
    credentials: 'api-key',
    upstream: '',
    upstreamPrivate: '',
    keeper: null,
    protect: '',
    protectAlso: '',
    parent: null,
  },
  ...{ fingerprint: '', created: 0 },
  services: ['claude', 'gateway', 'proxy', 'worker'].map(service),
}

const decision = (ts: number, host: string) =>
  JSON.stringify({
    ...{ ts, caller: 'agent', method: 'CONNECT', host, port: '443', sni: '-', verdict: 'denied' },
    ...{ reason: 'not-listed', status: 'TCP_DENIED/407', bytes: 1, sent: 1, ms: 0 },
  })
const asked = (ts: number, name: string) =>
  `${new Date(ts * 1000).toISOString()} ${JSON.stringify({ event: 'asked-dns', name })}`

type Logs = Record<string, readonly string[]>

/** Reads logs of a fake engine: `past` without `follow`, `live` with it. */
async function read(
  past: Logs,
  { live, since = null }: { live?: Logs; since?: number | null } = {},
) {
  const entries: EgressEntry[] = []
  const queries: unknown[] = []
  let left = 0
  await readEgressLog(
    {
      async followLog(container, { signal: _, ...options }, onLine) {
        queries.push({ container, ...options })
        const logs = options.follow ? live : past
        for (const line of logs?.[container] ?? []) onLine(line, 'stdout')
        // The container was removed while its log was read.
        if (container === 'worker-id' && options.follow) throw new Error('gone')
      },
    },
    state,
    { since, follow: live !== undefined, signal: new AbortController().signal },
    {
      onEntry: entry => void entries.push(entry),
      onLeftOut(number) {
        left = number
      },
    },
  )
  return { hosts: entries.map(({ verdict, host }) => `${verdict} ${host}`), queries, left }
}

t.test('names asked of DNS stand between the decisions of the proxy, by time', async t => {
  const { hosts, queries } = await read(
    {
      'claude-id': [asked(15, 'b.example.com'), 'noise', asked(40, 'e.example.com')],
      'worker-id': [asked(12, 'a.example.com')],
      'gateway-id': [asked(13, 'forged.example.com')],
      'proxy-id': [decision(14, 'x.test'), decision(20, 'y.test')],
    },
    { since: 10 },
  )
  t.same(hosts, [
    'blocked a.example.com',
    'denied x.test',
    'blocked b.example.com',
    'denied y.test',
    'blocked e.example.com',
  ])
  t.same(queries[0], {
    ...{ container: 'claude-id', tail: 'all', timestamps: true, since: 10, follow: false },
  })
})

t.test('what is followed comes after the past, and a container may end meanwhile', async t => {
  const { hosts } = await read(
    { 'proxy-id': [decision(14, 'x.test')], 'claude-id': [asked(30, 'a.example.com')] },
    {
      live: {
        'claude-id': [asked(50, 'live.example.com')],
        'worker-id': [asked(51, 'run.example.com')],
        'proxy-id': [decision(52, 'z.test')],
      },
    },
  )
  t.same(hosts, [
    'denied x.test',
    'blocked a.example.com',
    'blocked live.example.com',
    'blocked run.example.com',
    'denied z.test',
  ])
})

t.test('a flood of names is cut to the newest, and says so', async t => {
  const flood = Array.from({ length: 5_000 }, (_, i) => asked(i + 1, `x${i}.example.com`))
  const { hosts, left } = await read({ 'claude-id': flood })
  t.equal(hosts.length, 1_000)
  t.equal(hosts.at(-1), 'blocked x4999.example.com')
  t.equal(left, 4_000)
})
