import t from 'tap'
import type { ServiceState, StackState } from '../../../src/stack/inspect.ts'
import { recovery, unhealthyServices } from '../../../src/stack/recovery.ts'

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
  protect: '',
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
