import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { gatewayBundles } from '../../../src/gateway/bundles.ts'

const root = join(import.meta.dirname, '../../..')

t.test('each program is there, under a name of its own', async t => {
  for (const { entry } of gatewayBundles) t.ok(existsSync(join(root, entry)), entry)
  t.equal(new Set(gatewayBundles.map(({ out }) => out)).size, gatewayBundles.length)
})
