import t from 'tap'
import { outwardFromServer } from '../../../../src/audit/probes/w5-outward.ts'
import type { Scene } from '../../../../src/audit/scene.ts'

const claim = 'the ingress reaches the server, and neither a worker, nor the gateway or the proxy'

/** Audits a server whose ingress gets a connection out at each look of `open`; the first is 0. */
async function judgeIngress(open: (look: number) => boolean) {
  const networks = { NetworkSettings: { Networks: {} } }
  const dialled = new Map<string, number>()
  const dial = async (host: string) => {
    const look = dialled.get(host) ?? 0
    dialled.set(host, look + 1)
    return { connected: host === 'server' || host === 'egress' || open(look) }
  }
  const scene = {
    agents: [],
    service: () => networks,
    attackerIn: () => ({ dial }),
    host: async () => ({ visitors: () => [], addresses: [], port: 1 }),
    twin: async () => ({ network: { canaryOutside: '203.0.113.125' } }),
    inspections: { networks: new Map() },
  } as unknown as Scene
  return (await outwardFromServer.run(scene)).find(check => check.claim === claim)
}

t.test('a path out of the ingress that stays is open', async t => {
  const check = await judgeIngress(() => true)
  t.match(check, { verdict: 'open', evidence: 'path to 203.0.113.125:443' })
})

t.test('a path that is there for a moment is weak, and is named', async t => {
  // The audit of the server dials the same address beside it.
  const check = await judgeIngress(look => look < 2)
  t.match(check, { verdict: 'weak', evidence: /path to 203\.0\.113\.125:443 for a moment/ })
})

t.test('without a path it is held', async t => {
  t.match(await judgeIngress(() => false), { verdict: 'held' })
})
