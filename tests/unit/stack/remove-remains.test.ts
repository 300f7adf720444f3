import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createEngine } from '../../../src/engine/engine.ts'
import { removeRemains } from '../../../src/stack/remains.ts'
import { fakeProgram } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'

// Not the state of whoever runs the tests.
process.env.XDG_STATE_HOME = await mkdtemp(join(tmpdir(), 'remains-'))
t.teardown(() => rm(process.env.XDG_STATE_HOME ?? '', { recursive: true }))

const stack = 'claude-secure-app-00000001'
const state = join(process.env.XDG_STATE_HOME, 'claude-secure/stacks', stack)
const volume = { Name: `${stack}_home-1000`, Labels: { 'com.docker.compose.project': stack } }

async function setUp(t: Test, answers: object, fails = 'nothing') {
  const calls = join(await temporaryFolder(t, 'calls'), 'calls')
  const folder = await fakeProgram(
    t,
    'docker',
    `echo "$*" >> ${calls}; case $1 in ${fails}) echo 'volume is in use' >&2; exit 1 ;; esac`,
  )
  const host = await startFakeEngine(t, { ...goodEngine, ...answers })
  const context = {
    engine: createEngine({ socketPath: host.slice('unix://'.length) }),
    docker: {
      kind: 'docker' as const,
      file: join(folder, 'docker'),
      env: { PATH: '/usr/bin:/bin' },
    },
  }
  return {
    remove: (name = stack) => removeRemains(context, name, { log: () => {} }),
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
  }
}

function makeState(workspace: string, more: readonly string[] = []) {
  mkdirSync(join(state, 'runs/x'), { recursive: true })
  for (const folder of more) mkdirSync(join(state, folder))
  writeFileSync(join(state, 'credential.json'), 'secret')
  const placeholders = [{ path: '.envrc', placeholder: { kind: 'file', content: '' } }]
  writeFileSync(
    join(state, 'protection.json'),
    JSON.stringify({ workspace, placeholders, overlays: [] }),
  )
}

t.test('volumes, state, and what was made in the workspace go', async t => {
  const workspace = t.testdir({ '.envrc': '', mine: 'x' })
  makeState(workspace)
  const { remove, calls } = await setUp(t, { '/volumes': { Volumes: [volume] } })
  await remove()
  t.same(calls(), [`volume rm -- ${stack}_home-1000`])
  t.notOk(existsSync(state))
  t.notOk(existsSync(join(workspace, '.envrc')))
  t.ok(existsSync(join(workspace, 'mine')))
})

t.test('what was used stays counted', async t => {
  makeState(t.testdir(), ['usage'])
  await (await setUp(t, {})).remove()
  t.ok(existsSync(join(state, 'usage')))
  t.notOk(existsSync(join(state, 'credential.json')))
  t.notOk(existsSync(join(state, 'runs')))
  await rm(state, { recursive: true })
})

const container = (State: string) => ({
  ...{ Id: 'x', Names: ['/x'], Image: 'i', ImageID: 'i', State, Status: '', Created: 1 },
  Labels: { 'claude-secure.stack': stack, 'com.docker.compose.service': 'claude' },
})

t.test('one that runs again by now is refused, and nothing is removed', async t => {
  makeState(t.testdir())
  for (const word of ['running', 'created', 'paused', 'restarting']) {
    const { remove, calls } = await setUp(t, { '/containers/json': [container(word)] })
    await t.rejects(remove(), { message: /was started in the meantime/ }, word)
    t.same(calls(), [])
  }
  t.ok(existsSync(join(state, 'credential.json')))
  const { remove, calls } = await setUp(t, { '/containers/json': [container('exited')] })
  await remove()
  t.match(calls()[0], /^compose --project-name .* down /)
  t.notOk(existsSync(state))
})

t.test('volumes that somebody else uses keep the state, and say so', async t => {
  makeState(t.testdir())
  const { remove } = await setUp(t, { '/volumes': { Volumes: [volume] } }, 'volume')
  await t.rejects(remove(), { message: /cannot remove the volumes of \S+: volume is in use/ })
  t.ok(existsSync(join(state, 'credential.json')))
})

t.test('only a name of a stack becomes a folder that is removed', async t => {
  const { remove } = await setUp(t, {})
  for (const name of ['..', '', 'claude-secure-../../x-00000001']) await t.rejects(remove(name))
})
