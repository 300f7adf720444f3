import t from 'tap'
import { countSubnets } from '../../../src/engine/address-pools.ts'

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
