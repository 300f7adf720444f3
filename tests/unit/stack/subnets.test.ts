import t from 'tap'
import {
  chooseSubnets,
  collisions,
  countSubnets,
  refuseCollision,
} from '../../../src/stack/subnets.ts'

t.test('an engine with default settings has 31 subnets', async t => {
  t.same(countSubnets(null, []), { all: 31, free: 31 })
  t.same(countSubnets([], []), { all: 31, free: 31 })
})

t.test('subnets that overlap a network or the host are not free, at any size', async t => {
  for (const [taken, free] of [
    [['172.17.0.0/16'], 30],
    [['172.17.0.0/16', '172.17.0.1/16'], 30],
    [['172.18.5.7/30'], 30],
    [['192.168.1.20/24'], 30],
    [['192.168.15.0/24', '192.168.16.0/24'], 29],
    [['172.16.0.0/12'], 16],
    [['0.0.0.0/0'], 0],
    [['10.0.0.0/8', '203.0.113.0/24', 'fe80::1/64', 'fd00::/8', '', '300.1.1.1/8'], 31],
  ] as const) {
    t.equal(countSubnets(null, taken).free, free, taken.join(' '))
  }
})

t.test('configured pools replace the default ones', async t => {
  const pools = [
    { Base: '10.10.0.0/24', Size: 26 },
    { Base: '10.20.0.0/23', Size: 24 },
  ]
  t.same(countSubnets(pools, ['10.10.0.70/32', '172.17.0.0/16']), { all: 6, free: 5 })
  t.same(countSubnets([{ Base: 'fd00::/48', Size: 64 }], []), { all: 0, free: 0 })
  t.equal(countSubnets([{ Base: '10.0.0.0/8', Size: 32 }], []).all, 4_096, 'as far as one counts')
})

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
