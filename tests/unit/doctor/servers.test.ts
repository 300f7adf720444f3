import t from 'tap'
import { judgeServers } from '../../../src/doctor/servers.ts'
import { stackIdentity } from '../../../src/stack/identity.ts'
import type { ServiceState, StackState } from '../../../src/stack/inspect.ts'

const service = (name: string, changes: Partial<ServiceState> = {}): ServiceState => ({
  name,
  container: name,
  image: 'i',
  state: 'running',
  health: 'healthy',
  status: 'Up',
  connected: true,
  ...changes,
})
const names = ['gateway', 'ingress', 'proxy', 'server', 'worker-main']
const server = (services: ServiceState[]) =>
  ({ identity: stackIdentity({ kind: 'server', server: 'main' }), services }) as StackState
const folder = {
  identity: stackIdentity({ kind: 'folder', folder: '/p' }),
  services: [service('claude', { health: 'unhealthy' })],
} as StackState

t.test('a server that works is named, and stacks of folders are not judged', async t => {
  t.match(judgeServers([folder, server(names.map(name => service(name)))]), [
    { id: 'server', severity: 'ok', message: 'server main: every service is healthy' },
  ])
  t.same(judgeServers([folder]), [])
})

t.test('a worker that waits for the filter of the host is named with the command', async t => {
  const held = {
    state: 'restarting',
    health: 'none',
    status: 'Restarting (78) 2 seconds ago',
  } as const
  const services = [...names.slice(0, -1).map(name => service(name)), service('worker-main', held)]
  t.match(judgeServers([server(services)]), [
    { severity: 'refusal', message: /worker-main wait until this host drops/, hint: /serve up/ },
  ])
})

t.test('what does not work, and what is missing', async t => {
  const ill = [
    ...names.slice(1).map(name => service(name)),
    service('gateway', { connected: false }),
  ]
  t.match(judgeServers([server(ill)]), [{ severity: 'refusal', message: /: gateway do not work$/ }])
  const gone = names.slice(1).map(name => service(name))
  t.match(judgeServers([server(gone)]), [{ severity: 'refusal', message: /a service is missing$/ }])
})
