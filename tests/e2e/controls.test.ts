import t from 'tap'
import { composeBatches } from '../support/mutation/compose-batches.ts'
import { composeControls } from '../support/mutation/compose-controls.ts'
import { createMutableStack } from '../support/mutation/mutable-stack.ts'

const controlOf = (name: string) => {
  const found = composeControls.find(({ control }) => control === name)
  if (!found) throw new Error(`there is no control "${name}"`)
  return found
}

t.test('a removed control of compose.yaml opens exactly its claims', async t => {
  const stack = await createMutableStack(t)

  t.test('no claim is open while every control is there', async t => {
    const probes = [...new Set(composeControls.map(({ probe }) => probe))]
    for (const { id, checks } of await stack.audit(probes)) {
      const wrong = checks.filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      t.strictSame(wrong, [], id)
    }
  })

  for (const batch of composeBatches) {
    const names = Object.keys(batch)
    t.test(`without ${names.map(name => `"${name}"`).join(', ')}`, async t => {
      const controls = names.map(controlOf)
      await stack.mutate(config => {
        for (const { remove } of controls) remove(config)
      })
      const results = await stack.audit([...new Set(controls.map(({ probe }) => probe))])
      const open = results.flatMap(({ checks }) =>
        checks.filter(({ verdict }) => verdict === 'open'),
      )
      t.strictSame(
        open.map(({ claim }) => claim).sort(),
        Object.values(batch).flat().sort(),
        'exactly the claims of these controls are open',
      )
      for (const { control, services } of controls) {
        const own = open.filter(({ claim }) => batch[control]?.includes(claim))
        const text = own.map(({ claim, evidence }) => `${claim} ${evidence}`).join('\n')
        for (const service of services) t.match(text, service, `"${control}" names ${service}`)
      }
    })
  }
})
