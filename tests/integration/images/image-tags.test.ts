import { execFileSync } from 'node:child_process'
import { cp, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { imageAdditions } from '../../../src/config/image-additions.ts'
import {
  buildTags,
  computeImageTags,
  imageTags,
  missingImages,
} from '../../../src/images/image-tags.ts'
import { readPins } from '../../../src/images/pins.ts'
import {
  claudePrograms,
  gatewayPrograms,
  serverPrograms,
} from '../../../src/images/program-bundle.ts'
import { bundledSources } from '../../../src/images/program-hashes.ts'

const root = join(import.meta.dirname, '../../..')

/** A checkout of its own, small enough to copy. */
async function checkout(t: Test) {
  const folder = t.testdir({
    proxy: { Dockerfile: 'FROM x', 'squid.conf': 'acl' },
    claude: { Dockerfile: 'FROM x' },
    gateway: { Dockerfile: 'FROM x' },
    server: { Dockerfile: 'FROM x' },
    additions: { Dockerfile: 'FROM x' },
    mine: {},
    'tsconfig.json': '{}',
    'package-lock.json': '{}',
  })
  for (const { entry } of [...gatewayPrograms, ...serverPrograms, ...claudePrograms]) {
    await mkdir(join(folder, entry, '..'), { recursive: true })
    await writeFile(join(folder, entry), `console.log('${entry}')`)
  }
  const pins = await readPins(root)
  const additions = imageAdditions({ CUSTOM_DIR: join(folder, 'mine') })
  return { root: folder, pins, baseImage: undefined, target: 'minimal' as const, additions }
}

t.test('a tag depends on content: the same everywhere, another after a change', async t => {
  const inputs = await checkout(t)
  const tags = await computeImageTags(inputs)
  const { custom, agent, ...own } = tags
  t.same([custom, agent], [own.claude, own.claude], 'nothing is added')
  for (const [name, tag] of Object.entries(own)) {
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
  const all = ['base', 'node', 'proxy', 'gateway', 'server', 'claude', 'custom', 'agent']
  const { pins } = inputs
  const integrity = `sha512-${'A'.repeat(86)}==`
  const x64 = { ...pins.claude.x64, integrity }
  const arm64 = { ...pins.claude.arm64, integrity }
  t.same(await changed(), [])
  t.same(await changed({ pins: { ...pins, claude: { x64, arm64 } } }), [
    'claude',
    'custom',
    'agent',
  ])
  t.same(await changed({ target: 'full' } as object), ['claude', 'custom', 'agent'])
  t.same(
    await changed({ pins: { ...pins, debian: { ...pins.debian, packagesOf: '2030-01-01' } } }),
    all,
  )
  t.same(await changed({ baseImage: 'mine:1' } as object), all)
  await writeFile(join(inputs.root, 'proxy/squid.conf'), 'acl allowed_sites')
  t.same(await changed(), [], 'the policy is mounted')
  await writeFile(join(inputs.root, 'src/gateway/main.ts'), 'console.log(3)')
  t.same(await changed(), ['gateway'])
  await writeFile(join(inputs.root, 'src/gateway/main.ts'), `console.log('src/gateway/main.ts')`)
  await writeFile(join(inputs.root, 'src/ingress/main.ts'), 'console.log(4)')
  t.same(await changed(), ['server'])
})

t.test('additions get an image of their own, tagged by their content', async t => {
  const inputs = await checkout(t)
  const mine = join(inputs.root, 'mine')
  const none = await computeImageTags(inputs)
  const tagsOf = (settings: { PACKAGES?: string } = {}) =>
    computeImageTags({ ...inputs, additions: imageAdditions({ CUSTOM_DIR: mine, ...settings }) })
  const packages = await tagsOf({ PACKAGES: 'bc' })
  t.match(packages.agent, /^claude-secure\/agent:[0-9a-f]{12}$/)
  t.same({ ...packages, agent: none.agent }, none, 'the others stay')
  t.equal((await tagsOf({ PACKAGES: 'bc bc' })).agent, packages.agent)
  t.not((await tagsOf({ PACKAGES: 'bc hello' })).agent, packages.agent)

  await mkdir(join(mine, 'init.d'))
  await writeFile(join(mine, 'init.d/10-a.sh'), 'echo a')
  await writeFile(join(mine, 'init.d/notes.txt'), 'no script')
  await mkdir(join(mine, 'bin'))
  const script = await tagsOf()
  t.not(script.agent, none.agent)
  await writeFile(join(mine, 'init.d/notes.txt'), 'still none')
  await writeFile(join(mine, 'bin/tool'), 'not built in')
  t.same(await tagsOf(), script)
  await writeFile(join(mine, 'init.d/10-a.sh'), 'echo b')
  t.not((await tagsOf()).agent, script.agent)
  await rm(join(mine, 'init.d'), { recursive: true })

  await writeFile(join(mine, 'Dockerfile'), 'ARG CLAUDE\nFROM $CLAUDE\n')
  const custom = await tagsOf()
  t.match(custom.custom, /^claude-secure\/custom:[0-9a-f]{12}$/)
  t.not(custom.agent, custom.custom, 'ours is the last word')
  await writeFile(join(mine, 'extra.conf'), 'x')
  const extra = await tagsOf()
  t.not(extra.custom, custom.custom)
  t.not(extra.agent, custom.agent)
  await writeFile(join(inputs.root, 'additions/check'), 'stricter')
  t.not((await tagsOf()).agent, extra.agent)
})

t.test('remembered tags notice changed additions', async t => {
  const inputs = await checkout(t)
  const cache = join(inputs.root, 'cache')
  const none = await imageTags(inputs, cache)
  await mkdir(join(inputs.root, 'mine/init.d'))
  await writeFile(join(inputs.root, 'mine/init.d/a.sh'), 'echo a')
  const one = await imageTags(inputs, cache)
  t.not(one.agent, none.agent)
  await writeFile(join(inputs.root, 'mine/init.d/a.sh'), 'echo bb')
  t.not((await imageTags(inputs, cache)).agent, one.agent)
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

t.test('programs of equal sources are bundled once for all checkouts', async t => {
  const inputs = await checkout(t)
  const cache = join(inputs.root, 'cache')
  const first = await imageTags(inputs, cache)
  const [file = ''] = await readdir(cache)
  const kept = JSON.parse(await readFile(join(cache, file), 'utf8'))
  const remember = (values: object) =>
    writeFile(join(cache, file), JSON.stringify({ ...kept, ...values }))
  const copy = join(inputs.root, 'elsewhere')
  for (const name of await readdir(inputs.root)) {
    if (name !== 'cache') await cp(join(inputs.root, name), join(copy, name), { recursive: true })
  }
  const tagsOfCopy = async () => {
    const tags = await imageTags({ ...inputs, root: copy }, cache)
    await rm(join(cache, (await readdir(cache)).find(name => name !== file) ?? ''))
    return tags
  }
  t.same(await tagsOfCopy(), first)
  await remember({ programs: { ...kept.programs, gateway: 'remembered' } })
  const remembered = await tagsOfCopy()
  t.not(remembered.gateway, first.gateway, 'taken from the other checkout')
  t.same({ ...remembered, gateway: first.gateway }, first)

  for (const values of [{ programs: { gateway: 'x' } }, { sources: null }]) {
    await remember(values)
    t.same(await tagsOfCopy(), first, 'damaged, or bundled while a source changed')
  }
  await remember({ programs: { ...kept.programs, gateway: 'remembered' } })
  for (const path of ['src/gateway/main.ts', 'package-lock.json', 'tsconfig.json']) {
    const before = await readFile(join(copy, path), 'utf8')
    await writeFile(join(copy, path), `${before}\n`)
    t.equal((await tagsOfCopy()).gateway, first.gateway, `bundled again: ${path} changed`)
    await writeFile(join(copy, path), before)
  }
})

t.test('a build does not trust what is remembered, and corrects it', async t => {
  const inputs = await checkout(t)
  const cache = join(inputs.root, 'cache')
  const right = await imageTags(inputs, cache)
  const [file = ''] = await readdir(cache)
  const kept = JSON.parse(await readFile(join(cache, file), 'utf8'))
  const wrong = { ...right, gateway: 'claude-secure/gateway:wrong' }
  const programs = { ...kept.programs, gateway: 'wrong' }
  await writeFile(join(cache, file), JSON.stringify({ ...kept, tags: wrong, programs }))
  t.same(await imageTags(inputs, cache), wrong)
  t.same((await buildTags(inputs, cache)).tags, right)
  t.same(await imageTags(inputs, cache), right)
})

t.test('programs that were bundled while a source changed are not remembered', async t => {
  const inputs = await checkout(t)
  const cache = join(inputs.root, 'cache')
  // It is read between the sources and the bundler, and waits for its writer.
  const tags = join(cache, 'tags-0.json')
  await mkdir(cache)
  execFileSync('mkfifo', [tags])
  const bundling = bundledSources(inputs.root, cache)
  const writer = await open(tags, 'w')
  await writeFile(join(inputs.root, 'src/gateway/new.ts'), 'new')
  await writer.close()
  t.equal((await bundling).sources, null)
})

t.test('missing images come in the order in which they can be built', async t => {
  const inputs = await checkout(t)
  const tags = await computeImageTags(inputs)
  t.same(missingImages([], tags), ['base', 'node', 'proxy', 'gateway', 'server', 'claude'])
  const present = [{ RepoTags: [tags.base, `localhost/${tags.node}`] }, { RepoTags: null }]
  t.same(missingImages(present, tags), ['proxy', 'gateway', 'server', 'claude'])
  t.same(missingImages([{ RepoTags: Object.values(tags) }], tags), [])
  const added = { ...tags, agent: 'claude-secure/agent:1' }
  t.same(missingImages([{ RepoTags: Object.values(tags) }], added), ['agent'])
})
