import t from 'tap'
import { addressesOf, mustAnswer, reachable } from '../../../src/audit/packet-path.ts'
import { container } from './container.ts'

t.test('a refusal by the other side is a packet path, and silence is none', async t => {
  const answers: Record<string, { connected: boolean; received: string; error?: string }> = {
    '10.0.0.1': { connected: true, received: '' },
    '10.0.0.2': { connected: false, received: '', error: 'ECONNREFUSED' },
    '10.0.0.3': { connected: false, received: '', error: 'ENETUNREACH' },
    '10.0.0.4': { connected: false, received: '', error: 'no answer' },
    server: { connected: false, received: '', error: 'ENOTFOUND' },
  }
  const attacker = {
    dial: async (host: string) => answers[host] ?? { connected: false, received: '' },
  }
  const targets = Object.keys(answers).map(host => ({ host, port: 8080 }))
  t.same(await reachable(attacker, targets), ['10.0.0.1:8080', '10.0.0.2:8080'])
  t.same(await reachable(attacker, []), [])
})

t.test('an attack whose counterpart gets no answer proves nothing', async t => {
  const answering = (connected: boolean) => ({
    dial: async () => ({ connected, received: '', ...(!connected && { error: 'no answer' }) }),
  })
  await mustAnswer(answering(true), { host: 'gateway', port: 8787 })
  await t.rejects(mustAnswer(answering(false), { host: 'gateway', port: 8787 }), {
    message: /gateway:8787, which it may use, gives no answer/,
  })
})

t.test('the addresses of a container are those of its networks', async t => {
  const network = (IPAddress: string) => ({ NetworkID: 'id', IPAddress })
  const proxy = container(made => {
    made.NetworkSettings.Networks = {
      'stack_proxy-external': network('203.0.113.2'),
      'stack_services-internal': network('172.20.0.2'),
      'stack_gone-internal': network(''),
    }
  })
  t.same(addressesOf(proxy), ['203.0.113.2', '172.20.0.2'])
  t.same(addressesOf(proxy, /-internal$/), ['172.20.0.2'])
})
