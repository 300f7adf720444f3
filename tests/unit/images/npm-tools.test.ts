import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { installTools, toolsFolder } from '../../../src/images/npm-tools.ts'

const repository = join(import.meta.dirname, '../../..')

/** A checkout with a lock file, a cache, and an npm that does what the script says. */
function parts(t: Test, script: string) {
  const folder = t.testdir({
    root: { claude: { 'npm-tools': { 'package.json': '{"a":1}', 'package-lock.json': '{}' } } },
    cache: {},
    npm: `#!/bin/sh\necho "$@" >> "${'$'}{0%/*}/calls"\n${script}\n`,
  })
  chmodSync(join(folder, 'npm'), 0o755)
  return {
    folder,
    root: join(folder, 'root'),
    cache: join(folder, 'cache'),
    npm: join(folder, 'npm'),
  }
}

t.test('the tools are installed once, from the lock file and without scripts', async t => {
  const { folder, root, cache, npm } = parts(
    t,
    'mkdir node_modules && cp package.json node_modules/',
  )
  const first = await installTools(root, { cache, npm })
  t.equal(first, join(cache, await toolsFolder(root)))
  t.equal(readFileSync(join(first, 'node_modules/package.json'), 'utf8'), '{"a":1}')
  t.equal(await installTools(root, { cache, npm }), first)
  t.match(readFileSync(join(folder, 'calls'), 'utf8'), /^ci --ignore-scripts [^\n]*\n$/)
  writeFileSync(join(root, 'claude/npm-tools/package-lock.json'), '{"b":2}')
  t.not(await installTools(root, { cache, npm }), first)
})

t.test('a proxy with a password reaches npm, and is not kept', async t => {
  const { folder, root, cache, npm } = parts(t, 'mkdir node_modules; cat .npmrc > "${0%/*}/seen"')
  const network = { env: { PATH: process.env.PATH }, npmrc: 'proxy=http://u:secret@p:1\n' }
  const tools = await installTools(root, { cache, npm, network })
  t.match(readFileSync(join(folder, 'seen'), 'utf8'), 'secret')
  t.notOk(existsSync(join(tools, '.npmrc')))
})

t.test("npm's reason is the error, and nothing is left", async t => {
  const { root, cache, npm } = parts(
    t,
    'mkdir node_modules; echo "npm error code E404" >&2; exit 1',
  )
  await t.rejects(installTools(root, { cache, npm }), {
    message: 'cannot fetch the npm tools of the full image: code E404',
    hint: /npm ping/,
  })
  t.notOk(existsSync(join(cache, await toolsFolder(root))))
})

t.test('the shipped lock file pins each package by hash, and names no registry', async t => {
  const text = readFileSync(join(repository, 'claude/npm-tools/package-lock.json'), 'utf8')
  const Lock = z.object({ packages: z.record(z.string(), z.looseObject({})) })
  const packages = Object.entries(Lock.parse(JSON.parse(text)).packages)
  for (const [name, entry] of packages) {
    if (name !== '') t.match(entry.integrity, /^sha512-/, name)
    t.notOk('resolved' in entry, name)
  }
  t.ok(packages.length > 50)
})
