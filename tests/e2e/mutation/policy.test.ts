import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createMutableStack } from '../../support/mutation/mutable-stack.ts'
import { policyDirectives, policyLayers } from '../../support/mutation/policy-controls.ts'
import { repository } from '../../support/stack/checkout.ts'

const shipped = readFileSync(join(repository, 'proxy/squid.conf'), 'utf8')

t.test('a probe notices each removed control of squid.conf', async t => {
  const stack = await createMutableStack(t)
  t.test('with all controls, every probe passes', async t => {
    const probes = [...new Set(['N16', ...policyLayers.map(({ probe }) => probe)])]
    for (const { id, verdict, checks } of await stack.audit(probes)) {
      const wrong = checks.filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      t.strictSame(wrong, [], `${id} is ${verdict}`)
    }
  })

  for (const { control, stated, probe, remove } of policyDirectives(shipped)) {
    t.test(`without ${stated}: ${control.slice(0, 80)}`, async t => {
      // A twin of it could prove no more, and many of these Squid itself refuses.
      const [result] = await stack.audit([probe], { policy: remove(shipped), noTwin: true })
      t.equal(result?.verdict, 'open', `${probe} turns red: ${JSON.stringify(result?.checks)}`)
    })
  }

  for (const { control, probe, remove } of policyLayers) {
    t.test(`without "${control}" the attack succeeds`, async t => {
      const [result] = await stack.audit([probe], { policy: remove(shipped) })
      t.equal(result?.verdict, 'open', `${probe} turns red: ${JSON.stringify(result?.checks)}`)
    })
  }
})
