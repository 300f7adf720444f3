import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { computeImageTags, imageTags, missingImages } from '../../../src/docker/image-tags.ts'
import { readPins } from '../../../src/docker/pins.ts'

const root = join(import.meta.dirname, '../../..')

/** A checkout of its own, small enough to copy. */
async function checkout(t: Test) {
  const folder = t.testdir({
    proxy: { Dockerfile: 'FROM x', 'squid.conf': 'acl' },
    claude: { Dockerfile: 'FROM x' },
    gateway: { Dockerfile: 'FROM x' },
    src: { gateway: { 'main.ts': 'console.log(1)', rehearsal: { 'main.ts': 'console.log(2)' } } },
    'tsconfig.json': '{}',
    'package-lock.json': '{}',
  })
  const pins = await readPins(root)
  return { root: folder, pins, baseImage: undefined, target: 'minimal' as const }
}

t.test('a tag is the content: the same everywhere, another after a change', async t => {
  const inputs = await checkout(t)
  const tags = await computeImageTags(inputs)
  for (const [name, tag] of Object.entries(tags)) {
    t.match(tag, new RegExp(`^claude-secure/${name}:[0-9a-f]{12}$`))
  }
  await mkdir(join(inputs.root, 'elsewhere'))
  const elsewhere = join(inputs.root, 'elsewhere/checkout')
  await mkdir(elsewhere)
  for (const name of await readdir(inputs.root)) {
    if (name !== 'elsewhere')
      await cp(join(inputs.root, name), join(elsewhere, name), { recursive: true })
  }
  t.same(await computeImageTags({ ...inputs, root: elsewhere }), tags)
})

t.test('each change reaches the images it concerns, and no others', async t => {
  const inputs = await checkout(t)
  const before = await computeImageTags(inputs)
  const changed = async (change: Partial<typeof inputs> = {}) => {
    const after = await computeImageTags({ ...inputs, ...change })
    return Object.entries(after)
      .filter(([name, tag]) => before[name as keyof typeof before] !== tag)
      .map(([name]) => name)
  }
  const all = ['base', 'node', 'proxy', 'gateway', 'claude']
  const { pins } = inputs
  const integrity = `sha512-${'A'.repeat(86)}==`
  const x64 = { ...pins.claude.x64, integrity }
  const arm64 = { ...pins.claude.arm64, integrity }
  t.same(await changed(), [])
  t.same(await changed({ pins: { ...pins, claude: { x64, arm64 } } }), ['claude'])
  t.same(
    await changed({ pins: { ...pins, debian: { ...pins.debian, packagesOf: '2030-01-01' } } }),
    all,
  )
  t.same(await changed({ baseImage: 'mine:1' } as object), all)
  await writeFile(join(inputs.root, 'proxy/squid.conf'), 'acl allowed_sites')
  t.same(await changed(), [], 'the policy is mounted')
  await writeFile(join(inputs.root, 'src/gateway/main.ts'), 'console.log(3)')
  t.same(await changed(), ['gateway'])
})

t.test('tags are remembered until a file changes', async t => {
  const inputs = await checkout(t)
  const cache = join(inputs.root, 'cache')
  const first = await imageTags(inputs, cache)
  t.same(first, await computeImageTags(inputs))
  const [file = ''] = await readdir(cache)
  const forged = { ...first, base: 'claude-secure/base:remembered' }
  const { fingerprint } = JSON.parse(await readFile(join(cache, file), 'utf8'))
  await writeFile(join(cache, file), JSON.stringify({ fingerprint, tags: forged }))
  t.equal((await imageTags(inputs, cache)).base, forged.base, 'asked, not computed')
  await writeFile(join(inputs.root, 'claude/tool'), 'new')
  const next = await imageTags(inputs, cache)
  t.equal(next.base, first.base)
  t.not(next.claude, first.claude)
  await writeFile(join(cache, file), 'damaged')
  t.same(await imageTags(inputs, cache), next)
})

t.test('missing images come in the order in which they can be built', async t => {
  const inputs = await checkout(t)
  const tags = await computeImageTags(inputs)
  t.same(missingImages([], tags), ['base', 'node', 'proxy', 'gateway', 'claude'])
  const present = [{ RepoTags: [tags.base, `localhost/${tags.node}`] }, { RepoTags: null }]
  t.same(missingImages(present, tags), ['proxy', 'gateway', 'claude'])
  t.same(missingImages([{ RepoTags: Object.values(tags) }], tags), [])
})
