import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createMutableStack } from '../../support/mutation/mutable-stack.ts'
import { serviceControls } from '../../support/mutation/service-controls.ts'
import { repository, temporaryFolder } from '../../support/stack/checkout.ts'

t.test('a probe notices each removed control of a service beside the agent', async t => {
  const custom = await temporaryFolder(t, 'custom')
  for (const name of ['echo.yaml', 'echo']) {
    const source = join(repository, 'tests/support/services', name)
    await cp(source, join(custom, 'services', name), { recursive: true })
  }
  const stack = await createMutableStack(t, undefined, { CUSTOM_DIR: custom })
  const probes = [...new Set(serviceControls.map(({ probe }) => probe))]

  t.test('with all controls, every probe passes', async t => {
    for (const { id, checks } of await stack.audit(probes)) {
      const wrong = checks.filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      t.strictSame(wrong, [], id)
    }
  })

  for (const { control, probe, remove } of serviceControls) {
    t.test(`without "${control}"`, async t => {
      await stack.mutate(remove)
      const [result] = await stack.audit([probe])
      const open = result?.checks.filter(({ verdict }) => verdict === 'open') ?? []
      t.ok(
        open.some(({ evidence }) => evidence.includes('echo')),
        `${probe} turns red and names echo: ${JSON.stringify(result?.checks)}`,
      )
    })
  }
})
