import { chmod, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  checkoutLabel,
  pruneCache,
  pruneImages,
  staleCacheFiles,
  tagsOfOtherCheckouts,
} from '../../../src/images/prune.ts'

t.test(
  "removes old images of this checkout and of deleted ones; keeps another checkout's",
  async t => {
    const image = (tag: string, root: string) => {
      const [name = '', value = ''] = checkoutLabel(root).split('=')
      return {
        Id: `sha256:${tag}`,
        RepoTags: tag === '' ? [] : [tag],
        Config: { Labels: { [name]: value } },
      }
    }
    const folder = t.testdir({
      here: {},
      other: {},
      docker: `#!/bin/sh
dir=$(dirname "$0")
case "$2" in
  ls) printf '1\\n2\\n' ;;
  inspect) cat "$dir/images" ;;
  rm) echo "$3" >> "$dir/removed" ;;
esac
`,
      removed: '',
      cache: {},
    })
    // As the closed home of another user, which root would see into: the call fails and says nothing.
    await symlink('closed', join(folder, 'closed'))
    const other = { root: join(folder, 'other'), tags: { base: 'claude-secure/base:shared' } }
    await writeFile(join(folder, 'cache/tags-0a.json'), JSON.stringify(other))
    const root = join(folder, 'here')
    const images = [
      image('claude-secure/base:now', root),
      image('localhost/claude-secure/node:now', root),
      image('claude-secure/base:old', root),
      image('claude-secure/base:lost', join(folder, 'lost')),
      image('claude-secure/base:other', join(folder, 'other')),
      image('claude-secure/base:closed', join(folder, 'closed/checkout')),
      image('claude-secure/base:shared', root),
      image('mine/derived:1', root),
      image('', root),
    ]
    await writeFile(join(folder, 'images'), JSON.stringify(images))
    await chmod(join(folder, 'docker'), 0o755)
    await pruneImages({
      client: { kind: 'docker', file: join(folder, 'docker'), env: { PATH: '/bin:/usr/bin' } },
      keep: ['claude-secure/base:now', 'claude-secure/node:now'],
      root,
      cache: join(folder, 'cache'),
    })
    t.same((await readFile(join(folder, 'removed'), 'utf8')).trimEnd().split('\n'), [
      'claude-secure/base:old',
      'claude-secure/base:lost',
      'sha256:',
    ])
  },
)

t.test('removes unused cache files; keeps files that are in use, recent or not ours', async t => {
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

t.test('the images of other checkouts are known, so that a build keeps them', async t => {
  const cache = t.testdir({ here: {}, other: {} })
  const write = (name: string, value: unknown) =>
    writeFile(join(cache, name), typeof value === 'string' ? value : JSON.stringify(value))
  const file = (root: string, tag: string) => ({ root, fingerprint: 'x', tags: { base: tag } })
  await write('tags-0a.json', file(join(cache, 'here'), 'claude-secure/base:here'))
  await write('tags-0b.json', file(join(cache, 'other'), 'claude-secure/base:shared'))
  await write('tags-0c.json', file(join(cache, 'lost'), 'claude-secure/base:lost'))
  await write('tags-0d.json', 'damaged')
  await write('client.json', file(join(cache, 'other'), 'claude-secure/base:no-tags-file'))
  t.same(await tagsOfOtherCheckouts(cache, join(cache, 'here')), ['claude-secure/base:shared'])
  t.same(await tagsOfOtherCheckouts(join(cache, 'nowhere'), cache), [])
})
