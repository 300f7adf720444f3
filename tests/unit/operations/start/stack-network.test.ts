import t from 'tap'
import type { Engine } from '../../../../src/engine/engine.ts'
import {
  stackNetwork,
  warnAboutCollisions,
} from '../../../../src/operations/start/stack-network.ts'

type Network = Awaited<ReturnType<Engine['networks']>>[number]
const network = (Name: string, Subnet: string, project = ''): Network => ({
  Name,
  Id: Name.padEnd(64, '0'),
  Labels: { 'com.docker.compose.project': project },
  IPAM: { Config: [{ Subnet }] },
})
const engineWith = (...networks: Network[]) =>
  ({ networks: async () => networks }) as unknown as Engine

t.test('a running stack keeps its subnets of the pool, and a new one gets free ones', async t => {
  const own = [
    network('s_claude-internal', '10.200.1.0/26', 's'),
    network('s_services-internal', '10.200.2.0/26', 's'),
    network('s_proxy-external', '10.200.3.0/26', 's'),
  ]
  const settings = { SUBNET_POOL: '10.200.0.0/16' }
  const { subnets } = await stackNetwork(engineWith(...own), 's', settings)
  t.strictSame(subnets, {
    'claude-internal': '10.200.1.0/26',
    'services-internal': '10.200.2.0/26',
    'proxy-external': '10.200.3.0/26',
  })
  const other = await stackNetwork(engineWith(...own), 'other', settings)
  t.ok(Object.values(other.subnets ?? {}).every(subnet => subnet.startsWith('10.200.')))
  t.equal((await stackNetwork(engineWith(...own), 's', {})).subnets, undefined)
  const moved = await stackNetwork(engineWith(...own), 's', { SUBNET_POOL: '10.201.0.0/16' })
  t.ok(Object.values(moved.subnets ?? {}).every(subnet => subnet.startsWith('10.201.')))
})

t.test('a fixed subnet that another network has is refused before anything starts', async t => {
  const engine = engineWith(network('office', '10.99.0.0/24'))
  await t.rejects(stackNetwork(engine, 's', { EXTERNAL_SUBNET: '10.99.0.128/25' }), {
    message: 'EXTERNAL_SUBNET=10.99.0.128/25 overlaps 10.99.0.0/24 of the network office',
    hint: /set EXTERNAL_SUBNET/,
  })
})

t.test('a collision that came later is told with the setting that helps', async t => {
  const told: string[] = []
  const engine = engineWith(
    network('s_proxy-external', '172.20.0.0/16', 's'),
    network('office', '172.20.4.0/24'),
  )
  await warnAboutCollisions(engine, 's', event => void ('text' in event && told.push(event.text)))
  t.match(told, [
    /proxy-external has 172\.20\.0\.0\/16, which overlaps .* the network office; set SUBNET_POOL/,
  ])
})
