import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createEngine } from '../../../src/engine/engine.ts'
import {
  folderStack,
  renderIdentityLabels,
  stackId,
  stackIdentity,
} from '../../../src/stack/identity.ts'
import { allStacks, runningStacks } from '../../../src/stack/stack-list.ts'
import { startFakeEngine } from '../../support/docker/fake-engine.ts'

const [up, half, left] = [
  'claude-secure-up-00000001',
  'claude-secure-half-00000002',
  'claude-secure-left-00000003',
]

const container = (stack: string, service: string, more: object = {}) => ({
  Id: `${stack}-${service}`,
  Names: [`/${stack}-${service}-1`],
  Image: 'i',
  ImageID: 'sha256:0',
  State: 'running',
  Status: 'Up 3 minutes (healthy)',
  Created: 1_700_000_000,
  Labels: {
    'claude-secure.stack': stack,
    'claude-secure.workspace': `/home/me/${stack}`,
    'claude-secure.workspace-mode': 'mount',
    'claude-secure.credentials': 'api-key',
    'com.docker.compose.service': service,
  },
  NetworkSettings: {
    Networks: {
      [`${stack}_claude-internal`]: {},
      [`${stack}_services-internal`]: {},
      [`${stack}_proxy-external`]: {},
    },
  },
  ...more,
})

const volume = (stack: string, name: string) => ({
  Name: `${stack}_${name}`,
  CreatedAt: '2026-01-02T03:04:05Z',
  Labels: { 'com.docker.compose.project': stack },
})

const answers = {
  '/version': { Version: '26.1.5' },
  '/system/df': {
    Volumes: [
      { Name: `${up}_home-1000`, UsageData: { Size: 7 } },
      { Name: `${left}_workspace`, UsageData: { Size: 20 } },
      { Name: `${left}_home-1000`, UsageData: { Size: 3 } },
      { Name: 'unknown', UsageData: { Size: -1 } },
    ],
  },
  '/containers/json': [
    container(up, 'claude'),
    container(up, 'gateway', { Created: 1_699_999_999 }),
    container(up, 'proxy'),
    container(half, 'claude', { State: 'exited', Status: 'Exited (0)' }),
    container(half, 'proxy'),
  ],
  '/volumes': {
    Volumes: [
      volume(up, 'home-1000'),
      volume(left, 'workspace'),
      volume(left, 'home-1000'),
      volume('somebody-else', 'data'),
      { Name: 'unlabelled', Labels: null },
    ],
  },
}

async function engineOf(test: Test) {
  const host = await startFakeEngine(test, answers)
  return createEngine({ socketPath: host.slice('unix://'.length) })
}

t.test('stacks with containers, and how each of them stands', async t => {
  const stacks = await runningStacks(await engineOf(t))
  t.match(stacks, [
    { id: '00000002', stack: half, state: 'partial', session: null, runs: 0, volumes: null },
    {
      id: '00000001',
      kind: 'folder',
      state: 'up',
      workspace: `/home/me/${up}`,
      created: '2023-11-14T22:13:19.000Z',
      credentials: 'api-key',
    },
  ])
  t.equal(stacks.length, 2)
})

t.test('all of them: also what only volumes or a state folder tell of', async t => {
  const root = t.testdir()
  const state = join(root, 'stacks', 'claude-secure-state-00000004')
  await mkdir(state, { recursive: true })
  await mkdir(join(root, 'stacks', 'not-a-stack'))
  await mkdir(join(root, 'stacks', 'claude-secure-cleaned-00000005', 'usage'), { recursive: true })
  await writeFile(
    join(state, 'protection.json'),
    JSON.stringify({ workspace: '/home/me/state', placeholders: [], overlays: [] }),
  )
  const stacks = await allStacks(await engineOf(t), root)
  t.same(
    stacks.map(({ id }) => id),
    ['00000002', '00000001', '00000003', '00000004'],
  )
  t.same(stacks[1]?.volumes, [`${up}_home-1000`])
  t.match(stacks[2], {
    kind: null,
    state: 'stopped',
    workspace: null,
    workspaceMode: 'copy',
    created: '2026-01-02T03:04:05.000Z',
    volumes: [`${left}_home-1000`, `${left}_workspace`],
    bytes: 23,
    ours: false,
  })
  t.match(stacks[3], {
    kind: 'folder',
    workspace: '/home/me/state',
    workspaceMode: null,
    volumes: [],
    ours: true,
  })
})

t.test('volumes without a state folder name their workspace by their labels', async t => {
  const labelled = { ...volume(left, 'home-1000') }
  const identity = { ...folderStack('/home/me/left'), name: left }
  labelled.Labels = { ...labelled.Labels, ...renderIdentityLabels(identity) }
  const host = await startFakeEngine(t, { ...answers, '/volumes': { Volumes: [labelled] } })
  const engine = createEngine({ socketPath: host.slice('unix://'.length) })
  const stacks = await allStacks(engine, t.testdir())
  t.match(
    stacks.find(({ stack }) => stack === left),
    { kind: 'folder', workspace: '/home/me/left', ours: false },
  )
})

t.test('an id is the end of the name', async t => {
  t.equal(stackId(up), '00000001')
})

t.test('the kind of a stack is that of its containers', async t => {
  const of = { kind: 'session', folder: '/home/me/up', session: 'review' } as const
  const made = container(up, 'claude')
  const labels = { ...made.Labels, ...renderIdentityLabels({ ...stackIdentity(of), name: up }) }
  const host = await startFakeEngine(t, {
    ...answers,
    '/containers/json': [{ ...made, Labels: labels }],
  })
  const engine = createEngine({ socketPath: host.slice('unix://'.length) })
  t.match(await runningStacks(engine, t.testdir()), [{ stack: up, kind: 'session' }])
})
