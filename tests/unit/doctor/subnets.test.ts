import t from 'tap'
import { judgeSubnets, readSubnets } from '../../../src/doctor/capacity.ts'
import { createEngine } from '../../../src/engine/engine.ts'
import { startFakeEngine } from '../../support/docker/fake-engine.ts'

t.test('room for one more stack or none is a warning, with both ways out', async t => {
  t.match(judgeSubnets({ all: 31, free: 6 }), [{ severity: 'ok' }])
  for (const free of [5, 3, 2, 0]) {
    const [check] = judgeSubnets({ all: 31, free })
    t.match(check, {
      severity: 'warning',
      message: `${free} of the engine's 31 subnets are free; a stack needs 3`,
      hint: /stop ID.*default-address-pools/,
    })
  }
  t.match(judgeSubnets({ all: 31, free: 1 }), [
    { message: /^1 of the engine's 31 subnets is free/ },
  ])
})

t.test('networks of all programs count, and those without a subnet do not', async t => {
  const network = (Subnet: string) => ({ Id: Subnet, Name: 'n', IPAM: { Config: [{ Subnet }] } })
  const host = await startFakeEngine(t, {
    '/version': { Version: '26.1.5' },
    '/networks': [
      network('198.18.0.0/24'),
      network('198.18.2.0/24'),
      { Id: 'h', Name: 'host', IPAM: { Config: null } },
      { Id: 'x', Name: 'none' },
    ],
  })
  const engine = createEngine({ socketPath: host.slice('unix://'.length) })
  t.same(await readSubnets(engine, [{ Base: '198.18.0.0/22', Size: 24 }]), { all: 4, free: 2 })
})
