import t from 'tap'
import {
  createTenantNetworks,
  refuseOtherNetwork,
} from '../../../../src/gateway/http/tenant-network.ts'

const addresses: Record<string, string> = {
  'gateway-tenant-main': '172.20.0.3',
  'gateway-tenant-team-b': '172.21.0.3',
  'gateway-tenant-gone': '172.22.0.3',
}
const interfaces = [
  { family: 'IPv4', address: '127.0.0.1', cidr: '127.0.0.1/8' },
  { family: 'IPv4', address: '172.20.0.3', cidr: '172.20.0.3/16' },
  { family: 'IPv4', address: '172.21.0.3', cidr: '172.21.0.3/24' },
  { family: 'IPv6', address: '172.22.0.3', cidr: '172.22.0.3/16' },
]

function create() {
  const asked: string[] = []
  const check = createTenantNetworks({
    resolve: async name => {
      asked.push(name)
      const address = addresses[name]
      if (address === undefined) throw new Error('ENOTFOUND')
      return address
    },
    interfaces: () => interfaces,
  })
  return { asked, check }
}

t.test('a caller is of a tenant by the network that its address is on', async t => {
  const { asked, check } = create()
  t.ok(await check('main', '172.20.255.9'))
  t.ok(await check('main', '::ffff:172.20.0.9'))
  t.notOk(await check('main', '172.21.0.9'))
  t.ok(await check('team-b', '172.21.0.9'))
  t.notOk(await check('team-b', '172.21.1.9'))
  t.notOk(await check('team-b', '127.0.0.1'))
  t.same(asked, ['gateway-tenant-main', 'gateway-tenant-team-b'], 'each is asked once')
})

t.test('a tenant without a network, and an address that is none, are refused', async t => {
  const { asked, check } = create()
  for (const tenant of ['gone', 'other', 'other'])
    t.notOk(await check(tenant, '172.22.0.9'), tenant)
  for (const address of ['', 'x', '::1', '172.20.0']) t.notOk(await check('main', address), address)
  t.equal(asked.filter(name => name === 'gateway-tenant-other').length, 2, 'it may still come')
})

t.test('a stack without tenants has one network', async t => {
  await refuseOtherNetwork(async () => false, { tenant: null }, undefined)
  const refused = refuseOtherNetwork(async () => false, { tenant: 'main' }, '172.20.0.9')
  await t.rejects(refused, { message: /belongs to another network/ })
  await refuseOtherNetwork(async () => true, { tenant: 'main' }, '172.20.0.9')
})
