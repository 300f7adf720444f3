import { readdir, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { pruneCache, staleCacheFiles } from '../../../src/images/cache-prune.ts'

t.test('what nobody asks for again goes; what is in use, young or not ours stays', async t => {
  const cache = t.testdir({
    here: {},
    'tags-0a.json': JSON.stringify({ root: '/nowhere/checkout' }),
    'tags-0b.json': JSON.stringify({ fingerprint: 'of an older release' }),
    'tags-0c.json': 'damaged',
    'tags-mine.json': '{}',
    'client.json': '{}',
    'client.json.1.tmp': '',
    'client.json.2.tmp': '',
    'build-old': { file: '' },
    'fetch-new': {},
    packages: {},
  })
  const { writeFile } = await import('node:fs/promises')
  await writeFile(join(cache, 'tags-0d.json'), JSON.stringify({ root: join(cache, 'here') }))
  const yesterday = Date.now() / 1000 - 25 * 3600
  for (const name of ['client.json.1.tmp', 'build-old', 'packages', 'client.json']) {
    await utimes(join(cache, name), yesterday, yesterday)
  }
  const gone = ['build-old', 'client.json.1.tmp', 'tags-0a.json', 'tags-0b.json', 'tags-0c.json']
  t.same(
    (await staleCacheFiles(cache)).sort(),
    gone.map(name => join(cache, name)),
  )
  const before = await readdir(cache)
  await pruneCache(cache)
  t.same((await readdir(cache)).sort(), before.filter(name => !gone.includes(name)).sort())
  t.same(await staleCacheFiles(join(cache, 'nothing')), [])
})
