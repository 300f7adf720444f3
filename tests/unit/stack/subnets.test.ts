import t from 'tap'
import { chooseSubnets, collisions, refuseCollision } from '../../../src/stack/subnets.ts'

const names = ['claude-internal', 'services-internal', 'proxy-external']

t.test('a stack gets three subnets of the pool, the same ones each time', async t => {
  const chosen = chooseSubnets('10.200.0.0/16', 'claude-secure-a-1', [])
  t.strictSame(Object.keys(chosen), names)
  t.equal(new Set(Object.values(chosen)).size, 3)
  for (const subnet of Object.values(chosen)) t.match(subnet, /^10\.200\.\d+\.(0|64|128|192)\/26$/)
  t.strictSame(chooseSubnets('10.200.0.0/16', 'claude-secure-a-1', []), chosen)
  t.notSame(chooseSubnets('10.200.0.0/16', 'claude-secure-b-2', []), chosen)
})

t.test('what the engine and the host use is passed over', async t => {
  const taken = [{ subnet: '10.200.0.0/26', by: 'the interface tun0' }]
  const chosen = chooseSubnets('10.200.0.0/24', 'x', taken)
  t.same(Object.values(chosen).sort(), ['10.200.0.128/26', '10.200.0.192/26', '10.200.0.64/26'])
})

t.test('a pool without room names what is in the way', async t => {
  const taken = [
    { subnet: '10.200.0.0/25', by: 'the interface tun0' },
    { subnet: '172.17.0.0/16', by: 'the network bridge' },
  ]
  t.throws(() => chooseSubnets('10.200.0.0/24', 'x', taken), {
    message: /no three free subnets of \/26: the interface tun0 uses 10\.200\.0\.0\/25$/,
    hint: /set SUBNET_POOL/,
  })
  t.throws(() => chooseSubnets('10.200.0.0/26', 'x', []), /it is too small/)
})

t.test('a fixed subnet over a VPN is refused by the name of its interface', async t => {
  const taken = [{ subnet: '10.8.0.0/16', by: 'the interface tun0\u001b[2J' }]
  const setting = { name: 'EXTERNAL_SUBNET', subnet: '10.8.3.0/24' }
  const thrown = t.throws(
    () => refuseCollision(setting, taken),
    /10\.8\.0\.0\/16 of the interface tun0/,
  )
  t.notMatch(String(thrown), /\u001b/)
  t.doesNotThrow(() => refuseCollision({ ...setting, subnet: '10.9.0.0/24' }, taken))
  t.strictSame(collisions('fd00::/64', taken), [])
})
