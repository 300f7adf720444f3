import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../src/base/log.ts'
import { emptyStacks, judgeLeftovers, lostStates } from '../../../src/doctor/leftovers.ts'
import { describeRepair, runRepair } from '../../../src/doctor/repair.ts'
import type { ContainerSummary, Engine, NetworkSummary } from '../../../src/engine/engine.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const stack = (name: string) => `claude-secure-${name}-0123abcd`

function network(project: string, Created: string): NetworkSummary {
  return { Id: project, Name: project, Created, Labels: { 'com.docker.compose.project': project } }
}

t.test('networks of an interrupted start are old and have no container', async t => {
  const long = '2026-11-21T09:00:00.123456789Z'
  const running = { Labels: { 'claude-secure.stack': stack('up') }, Status: '', State: 'running' }
  const engine = {
    networks: async () => [
      network(stack('up'), long),
      network(stack('cut'), long),
      // One of its networks was made a moment ago.
      network(stack('starting'), long),
      network(stack('starting'), '2026-11-21T11:59:30Z'),
      network('somebody-elses', long),
    ],
    containers: async () => [running as unknown as ContainerSummary],
  } as unknown as Engine
  t.same(await emptyStacks(engine, now), [stack('cut')])
})

t.test('a state is lost when workspace, containers and volumes are gone', async t => {
  const state = t.testdir({ workspace: {}, stacks: {} })
  const add = async (name: string, text: string) => {
    await mkdir(join(state, 'stacks', name))
    await writeFile(join(state, 'stacks', name, 'stack.yaml'), text)
  }
  const file = (path: string) =>
    `services: { claude: { labels: { claude-secure.workspace: '${path}' } } }`
  await add(stack('gone'), file(join(state, '$$nowhere')))
  await add(stack('here'), file(join(state, 'workspace')))
  await add(stack('kept'), file('/nowhere'))
  await add(stack('runs'), file('/nowhere'))
  await add(stack('damaged'), 'services: 1')
  const alive = { stacks: [stack('runs')], volumes: [`${stack('kept')}_home-1000`] }
  t.same(await lostStates(state, alive), [join(state, 'stacks', stack('gone'))])
  await mkdir(join(state, '$nowhere'))
  t.same(await lostStates(state, alive), [], '$$ is compose for $')
  await rm(join(state, 'stacks'), { recursive: true })
  t.same(await lostStates(state, alive), [])
})

t.test('each kind of leftover can be removed, and each step is described', async t => {
  const none = { states: [], networks: [], cache: [] }
  t.match(judgeLeftovers(none), [{ id: 'leftovers', severity: 'ok' }])
  const checks = judgeLeftovers({ states: ['/s/a'], networks: ['n'], cache: ['/c/x', '/c/y'] })
  t.same(
    checks.flatMap(({ repair }) => (repair ? describeRepair(repair) : [])),
    ['remove /s/a', 'remove the networks of n', 'remove /c/x', 'remove /c/y'],
  )
  t.same(
    checks.map(({ severity }) => severity),
    ['warning', 'warning', 'warning'],
  )
})

t.test('removes files only below our own folders', async t => {
  const home = t.testdir({ 'claude-secure': { stacks: { a: { f: '' } } }, mine: '' })
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = home
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })
  const remove = (path: string) =>
    runRepair(
      { kind: 'remove-files', paths: [path] },
      { log: silentLog, signal: new AbortController().signal },
    )
  const stacks = join(home, 'claude-secure/stacks')
  for (const path of [
    join(home, 'mine'),
    stacks,
    `${stacks}/a/..`,
    `${stacks}/../../mine`,
    '/etc/passwd',
  ]) {
    await t.rejects(remove(path), /refused to remove .*: it is outside of our own folders/, path)
  }
  await t.resolves(access(join(home, 'mine')))
  await remove(join(stacks, 'a'))
  await t.rejects(access(join(stacks, 'a')))
})
