import { join } from 'node:path'
import t from 'tap'
import { bundleGateway } from '../../../src/docker/gateway-bundle.ts'

const root = join(import.meta.dirname, '../../..')

t.test('each program is one file that needs no package and no path of this machine', async t => {
  const files = await bundleGateway(root)
  t.same(
    files.map(({ name }) => name),
    ['gateway.js', 'rehearsal.js'],
  )
  for (const { name, text } of files) {
    const imported = [...text.matchAll(/^import .*? from ["']([^"']+)["'];$/gm)].map(
      found => found[1],
    )
    t.same(
      imported.filter(from => !from?.startsWith('node:')),
      [],
      name,
    )
    t.notOk(text.includes(root), `${name} names no folder of the host`)
  }
})

t.test('the same sources give the same bytes', async t => {
  t.same(await bundleGateway(root), await bundleGateway(root))
})
