import t from 'tap'
import { composeControls, notControls } from '../../support/mutation/compose-controls.ts'
import { createMutableStack } from '../../support/mutation/mutable-stack.ts'

t.test('a probe notices each removed control of compose.yaml', async t => {
  const stack = await createMutableStack(t)

  t.test('nothing in compose.yaml is left out', async t => {
    const covered = composeControls.map(({ stated }) => stated).join('\n')
    for (const [name, service] of Object.entries(stack.config.services)) {
      const missing = Object.keys(service).filter(
        key => !(key in notControls) && !new RegExp(`\\b${key}\\b`).test(covered),
      )
      t.strictSame(missing, [], `${name}: every key is a control, or is said to be none`)
    }
  })

  t.test('with all controls, every probe passes', async t => {
    const probes = [...new Set(composeControls.map(({ probe }) => probe))]
    for (const { id, verdict, checks } of await stack.audit(probes)) {
      const wrong = checks.filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      t.strictSame(wrong, [], `${id} is ${verdict}`)
    }
  })

  for (const { control, stated, probe, services, remove } of composeControls) {
    t.test(`without "${control}" (${stated})`, async t => {
      await stack.mutate(remove)
      const [result] = await stack.audit([probe])
      const open = result?.checks.filter(({ verdict }) => verdict === 'open') ?? []
      t.not(open.length, 0, `${probe} turns red: ${JSON.stringify(open)}`)
      for (const service of services) {
        t.ok(
          open.some(({ claim, evidence }) => `${claim} ${evidence}`.includes(service)),
          `and names ${service}: ${JSON.stringify(result?.checks)}`,
        )
      }
    })
  }
})
