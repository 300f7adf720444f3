import { cp, realpath, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  bundlePrograms,
  claudePrograms,
  gatewayPrograms,
  serverPrograms,
} from '../../../src/images/program-bundle.ts'

const root = join(import.meta.dirname, '../../..')
const programs = [...gatewayPrograms, ...claudePrograms]
const first = await bundlePrograms(root, programs)

t.test('each program is one file that needs no package and no path of this machine', async t => {
  t.same(
    first.map(({ name }) => name),
    ['gateway.js', 'rehearsal.js', 'runner.js', 'seed.js', 'git-front.js'],
  )
  for (const { name, text } of first) {
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

t.test('the same sources give the same bytes, also with packages that are a link', async t => {
  t.same(await bundlePrograms(root, programs), first)
  const folder = t.testdir({})
  for (const name of ['src', 'package.json', 'tsconfig.json']) {
    await cp(join(root, name), join(folder, name), { recursive: true })
  }
  await symlink(await realpath(join(root, 'node_modules')), join(folder, 'node_modules'))
  t.same(await bundlePrograms(folder, programs), first)
})

t.test('the server has no client of grammY, which would go around the proxy', async t => {
  const [server] = await bundlePrograms(root, serverPrograms)
  t.match(server?.text, /api\.telegram\.org/)
  t.notMatch(server?.text, /node_modules\/(node-fetch|whatwg-url)\//)
})
