import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { messageOf } from '../../../src/base/errors.ts'
import { createEngine } from '../../../src/engine/engine.ts'
import { renderIdentityLabels } from '../../../src/stack/identity.ts'
import type { ServiceState, StackState } from '../../../src/stack/inspect.ts'
import { recovery, startServices, unhealthyServices } from '../../../src/stack/start-services.ts'
import { stateFolder } from '../../../src/stack/state/state-folder.ts'
import { fakeProgram } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { stackValue } from '../../support/stack/stack-value.ts'

const service = (name: string, health: ServiceState['health']): ServiceState => ({
  name,
  container: name,
  image: '',
  state: 'running',
  health,
  status: '',
  connected: true,
})

const stackOf = (...services: ServiceState[]): StackState => ({
  stack: 'claude-secure-x-1',
  identity: null,
  workspace: '/x',
  workspaceMode: 'mount',
  credentials: 'api-key',
  upstream: '',
  keeper: null,
  protect: '',
  protectAlso: '',
  parent: null,
  upstreamPrivate: '',
  fingerprint: '',
  created: 0,
  services,
})

const sick = stackOf(service('proxy', 'healthy'), service('worker', 'unhealthy'))
const well = stackOf(service('proxy', 'healthy'), service('worker', 'healthy'))

t.test('only running services whose healthcheck failed are unhealthy', async t => {
  t.same(unhealthyServices(sick), ['worker'])
  t.same(unhealthyServices(well), [])
  const gone = { ...service('worker', 'unhealthy'), state: 'exited' as const }
  t.same(unhealthyServices(stackOf(gone, service('gateway', 'starting'))), [])
})

t.test('it is waited for until it is well', async t => {
  const states = [sick, sick, well]
  t.equal(await recovery(async () => states.shift() ?? null, {}), well)
  t.same(states, [])
})

t.test('what is gone, and what stays ill, is not waited for', async t => {
  t.equal(await recovery(async () => null, {}), null)
  t.equal(await recovery(async () => sick, { milliseconds: -1 }), sick)
})

t.test('an interrupt ends the wait with its reason', async t => {
  const interrupt = new AbortController()
  const waiting = recovery(async () => sick, { signal: interrupt.signal })
  setTimeout(() => interrupt.abort(), 10)
  await t.rejects(waiting, { name: 'AbortError' })
})

const { identity } = stackValue()

const container = (service: string, State: string, Status = '') => ({
  Id: `id-${service}`,
  Names: [`/${service}-1`],
  Image: 'x',
  ImageID: 'sha256:0',
  State,
  Status,
  Created: 1_700_000_000,
  Labels: { ...renderIdentityLabels(identity), 'com.docker.compose.service': service },
})
const healthy = (service: string) => container(service, 'running', 'Up 1 second (healthy)')

/** Fails `compose up` on an engine with `containers`; returns Compose's calls and the placeholder. */
async function failedStart(
  t: Test,
  containers: readonly object[],
  options: {
    fresh?: boolean
    signal?: AbortSignal
    logs?: Record<string, string>
    /** The last words of Compose. */
    compose?: string
  } = {},
) {
  const folder = await temporaryFolder(t, 'start')
  const calls = join(folder, 'calls')
  const bin = await fakeProgram(
    t,
    'docker',
    `echo "$*" | sed 's/.*--progress plain //' >> ${calls}
case "$*" in *' up '*) echo '${options.compose ?? 'the network is not free'}' >&2; exit 1 ;; esac`,
  )
  const host = await startFakeEngine(t, {
    ...goodEngine,
    '/containers/json': containers,
    ...options.logs,
  })
  const workspace = join(folder, 'project')
  const state = stateFolder(identity.name, folder)
  await mkdir(workspace)
  await mkdir(state.path, { recursive: true })
  await writeFile(join(workspace, '.envrc'), '')
  const placeholders = [{ path: '.envrc', placeholder: { kind: 'file', content: '' } }]
  await writeFile(
    join(state.path, 'protection.json'),
    JSON.stringify({ workspace, placeholders, overlays: [] }),
  )
  const value = stackValue({ state, root: folder })
  const context = {
    engine: createEngine({ socketPath: host.slice('unix://'.length) }),
    docker: {
      kind: 'docker' as const,
      file: join(bin, 'docker'),
      env: { PATH: '/usr/bin:/bin' },
    },
    log: () => {},
    ...(options.signal && { signal: options.signal }),
  }
  const stack = { ...value, workspace: { ...value.workspace, path: workspace } }
  const services = {
    wanted: ['claude', 'gateway', 'proxy'],
    remade: [],
    fresh: options.fresh ?? true,
  }
  const error: unknown = await startServices(context, stack, services).then(
    () => null,
    thrown => thrown,
  )
  t.ok(error, 'the start fails')
  return {
    message: messageOf(error),
    calls: readFileSync(calls, 'utf8')
      .trim()
      .split('\n')
      .filter(line => /^(down|rm) /.test(line)),
    placeholder: existsSync(join(workspace, '.envrc')),
  }
}

const takenDown = ['down --remove-orphans --timeout 5']

t.test('a start that made no container removes its networks and placeholders', async t => {
  const { calls, placeholder } = await failedStart(t, [])
  t.same({ calls, placeholder }, { calls: takenDown, placeholder: false })
})

t.test('a start that failed for no service takes the half-made stack down', async t => {
  const { calls } = await failedStart(t, [container('claude', 'created'), healthy('proxy')])
  t.same(calls, takenDown)
})

t.test('the error quotes the service that failed, not one that was never started', async t => {
  const containers = [
    container('claude', 'created'),
    container('proxy', 'restarting', 'Restarting (1) 1 second ago'),
  ]
  const said = 'FATAL: no port'
  // One line of standard output, as the engine frames it.
  const frame = `\u0001\0\0\0\0\0\0${String.fromCharCode(said.length + 1)}${said}\n`
  const logs = { '/containers/id-claude/logs': '', '/containers/id-proxy/logs': frame }
  const { message } = await failedStart(t, containers, { logs })
  t.equal(message, `proxy did not start: ${said}`)
})

t.test(
  'the error quotes a service that Compose called unhealthy and the engine restarted',
  async t => {
    const containers = [
      healthy('gateway'),
      container('proxy', 'running', 'Up 1 second (health: starting)'),
    ]
    const said = 'FATAL: no port'
    const frame = `\u0001\0\0\0\0\0\0${String.fromCharCode(said.length + 1)}${said}\n`
    const logs = { '/containers/id-proxy/logs': frame }
    const compose = `container ${identity.name}-proxy-1 is unhealthy`
    const { message } = await failedStart(t, containers, { logs, compose })
    t.equal(message, `proxy did not start: ${said}`)
  },
)

t.test('a service that ran and failed stays for its log; containers that never ran go', async t => {
  const containers = [
    container('claude', 'created'),
    container('proxy', 'restarting', 'Restarting (1) 1 second ago'),
    healthy('gateway'),
  ]
  const { calls, placeholder } = await failedStart(t, containers)
  t.same(calls, ['rm --force claude'])
  t.ok(placeholder, 'the claude container is still listed, and would be without protection')
})

t.test('placeholders go when only services without an agent stay', async t => {
  const unhealthy = container('gateway', 'running', 'Up 2 minutes (unhealthy)')
  const { calls, placeholder } = await failedStart(t, [unhealthy])
  t.same({ calls, placeholder }, { calls: [], placeholder: false })
})

t.test('a cancelled start of a new stack leaves nothing, whatever its services say', async t => {
  const starting = container('gateway', 'running', 'Up 1 second (health: starting)')
  const signal = AbortSignal.abort()
  t.same((await failedStart(t, [starting], { signal })).calls, takenDown)
})

t.test('a repair that fails keeps the stack, and removes only what never ran', async t => {
  const containers = [healthy('claude'), healthy('gateway'), container('proxy', 'created')]
  const { calls, placeholder } = await failedStart(t, containers, { fresh: false })
  t.same(calls, ['rm --force proxy'])
  t.ok(placeholder)
})

t.test('an engine that does not answer keeps the placeholders', async t => {
  // Another answer than the engine's: the containers are unknown.
  const broken = [{ Labels: renderIdentityLabels(identity) }]
  const { calls, placeholder } = await failedStart(t, broken)
  t.same({ calls, placeholder }, { calls: [], placeholder: true })
})
