import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { bundlePrograms, gatewayPrograms } from '../../../src/images/program-bundle.ts'
import { deriveImage, removeDerivedImages } from '../../support/mutation/derived-image.ts'
import { applyEdit, gatewayControls } from '../../support/mutation/gateway-controls.ts'
import { imageControls } from '../../support/mutation/image-controls.ts'
import { createMutableStack } from '../../support/mutation/mutable-stack.ts'

t.test('a probe notices each removed control of the gateway and the images', async t => {
  // Runs last: what was begun later ends earlier.
  t.teardown(removeDerivedImages)
  const stack = await createMutableStack(t)
  const image = (service: string) => String(stack.config.services[service]?.image)

  t.test('with all controls, every probe passes', async t => {
    const controls = [...gatewayControls, ...imageControls]
    const probes = [...new Set(controls.map(({ probe }) => probe))]
    for (const { id, verdict, checks } of await stack.audit(probes)) {
      const wrong = checks.filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      t.strictSame(wrong, [], `${id} is ${verdict}`)
    }
  })

  for (const { control, stated, probe, edits } of gatewayControls) {
    t.test(`without "${control}" (${stated})`, async t => {
      const { checkout } = stack.stack
      for (const edit of edits) {
        const path = join(checkout, edit.file)
        const before = await readFile(path, 'utf8')
        t.teardown(() => writeFile(path, before))
        await writeFile(path, applyEdit(before, edit))
      }
      const files = Object.fromEntries(
        (await bundlePrograms(checkout, gatewayPrograms)).map(({ name, text }) => [name, text]),
      )
      const names = Object.keys(files).join(' ')
      const lines = [`COPY ${names} /opt/gateway/`]
      const gatewayImage = await deriveImage(t, image('gateway'), lines, files)
      const [result] = await stack.audit([probe], { gatewayImage })
      t.equal(result?.verdict, 'open', `${probe} turns red: ${JSON.stringify(result?.checks)}`)
    })
  }

  for (const { control, stated, probe, service, lines } of imageControls) {
    t.test(`without "${control}" (${stated})`, async t => {
      const mutated = await deriveImage(t, image(service), lines)
      await stack.mutate(config => {
        const entry = config.services[service]
        if (entry) entry.image = mutated
      })
      const [result] = await stack.audit([probe])
      t.equal(result?.verdict, 'open', `${probe} turns red: ${JSON.stringify(result?.checks)}`)
      const named = result?.checks.some(
        ({ verdict, claim, evidence }) =>
          verdict === 'open' && `${claim} ${evidence}`.includes(service),
      )
      t.ok(named || probe === 'H4', `and names ${service}`)
    })
  }
})
