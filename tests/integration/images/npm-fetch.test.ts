import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { pack } from 'tar-stream'
import { parseParentProxy } from '../../../src/config/parent-proxy.ts'
import {
  fetchPackage,
  npmNetwork,
  packageFolder,
  prunePackages,
} from '../../../src/images/npm-fetch.ts'

/** An npm that "downloads" a package from its own folder, and says where it ran. */
async function fakeNpm(folder: string, files: Record<string, { text: string; mode?: number }>) {
  const tar = pack()
  for (const [name, { text, mode = 0o644 }] of Object.entries(files)) {
    tar.entry({ name: `package/${name}`, mode }, text)
  }
  tar.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of tar) chunks.push(Buffer.from(chunk as Uint8Array))
  const tarball = gzipSync(Buffer.concat(chunks))
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tool-1.0.0.tgz'), tarball)
  const npm = join(folder, 'npm')
  await writeFile(
    npm,
    `#!/bin/sh\npwd > ${folder}/cwd; ls -a > ${folder}/listing; echo "$@" >> ${folder}/calls\ncp ${folder}/*.tgz .\n`,
  )
  await chmod(npm, 0o755)
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  return { npm, pin: { name: '@scope/tool', version: '1.0.0', integrity } }
}

const files = {
  'bin/tool': { text: 'binary', mode: 0o755 },
  'lib/a.js': { text: 'a' },
  'docs/long.md': { text: 'long' },
}

t.test('keeps only the selected file, executable regardless of the umask', async t => {
  const folder = t.testdir({})
  const { npm, pin } = await fakeNpm(join(folder, 'npm'), files)
  const umask = process.umask(0o077)
  t.teardown(() => process.umask(umask))
  const cache = join(folder, 'cache')
  const target = await fetchPackage(pin, { cache, selection: { only: ['bin/tool'] }, npm })
  t.same(await readdir(target, { recursive: true }), ['bin', 'bin/tool'])
  t.equal(await readFile(join(target, 'bin/tool'), 'utf8'), 'binary')
  t.equal((await stat(join(target, 'bin/tool'))).mode & 0o777, 0o755)
  t.equal((await stat(join(target, 'bin'))).mode & 0o777, 0o755)
  t.equal((await stat(target)).mode & 0o777, 0o755)
})

t.test('a folder can be left out', async t => {
  const folder = t.testdir({})
  const { npm, pin } = await fakeNpm(join(folder, 'npm'), files)
  const cache = join(folder, 'cache')
  const target = await fetchPackage(pin, { cache, selection: { without: ['docs'] }, npm })
  t.same((await readdir(target)).sort(), ['bin', 'lib'])
})

t.test('npm runs in a folder of ours, without an .npmrc of another user', async t => {
  const folder = t.testdir({ '.npmrc': 'registry=http://evil.test' })
  const { npm, pin } = await fakeNpm(join(folder, 'npm'), files)
  const cache = join(folder, 'cache')
  await fetchPackage(pin, { cache, selection: { without: [] }, npm })
  t.match(await readFile(join(folder, 'npm/cwd'), 'utf8'), `${cache}/fetch-`)
  t.match(await readFile(join(folder, 'npm/listing'), 'utf8'), 'package.json')
  t.notMatch(await readFile(join(folder, 'npm/listing'), 'utf8'), '.npmrc')
  t.match(await readFile(join(folder, 'npm/calls'), 'utf8'), /--ignore-scripts/)
})

t.test('bytes that do not match the pin are refused, and nothing of them is kept', async t => {
  const folder = t.testdir({})
  const { npm, pin } = await fakeNpm(join(folder, 'npm'), files)
  const cache = join(folder, 'cache')
  const changed = { ...pin, integrity: `sha512-${'A'.repeat(86)}==` }
  await t.rejects(fetchPackage(changed, { cache, selection: { without: [] }, npm }), {
    message: /@scope\/tool@1\.0\.0 does not match its pin/,
    hint: /do not use it/,
  })
  t.same(await readdir(cache), [])
})

t.test('a second fetch needs no network, and two at once agree', async t => {
  const folder = t.testdir({})
  const { npm, pin } = await fakeNpm(join(folder, 'npm'), files)
  const options = { cache: join(folder, 'cache'), selection: { only: ['lib/a.js'] }, npm }
  const targets = await Promise.all([1, 2, 3].map(() => fetchPackage(pin, options)))
  t.equal(new Set(targets).size, 1)
  const calls = async () => (await readFile(join(folder, 'npm/calls'), 'utf8')).split('\n').length
  const before = await calls()
  await fetchPackage(pin, options)
  t.equal(await calls(), before)
  t.same(await readdir(options.cache), [packageFolder(pin, options.selection)])
})

t.test('a path that leaves the folder is not unpacked', async t => {
  const folder = t.testdir({})
  const hostile = { '../../../escaped': { text: 'x' }, 'lib/ok.js': { text: 'y' } }
  const { npm, pin } = await fakeNpm(join(folder, 'npm'), hostile)
  const cache = join(folder, 'cache')
  const target = await fetchPackage(pin, { cache, selection: { without: [] }, npm })
  t.same(await readdir(target), ['lib'])
  t.notOk((await readdir(folder)).includes('escaped'))
})

t.test("reports the registry's own error when it is down or lacks the version", async t => {
  const folder = t.testdir({
    down: '#!/bin/sh\necho "npm error code EHOSTUNREACH" >&2\nexit 1\n',
    unknown: `#!/bin/sh\necho '{"error":{"code":"E404","summary":"No match found"}}'\nexit 1\n`,
    full: '#!/bin/sh\necho "npm error ENOSPC: no space left on device" >&2\nexit 1\n',
  })
  const pin = { name: 'tool', version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==` }
  const run = async (name: string) => {
    await chmod(join(folder, name), 0o755)
    return fetchPackage(pin, {
      cache: join(folder, 'cache'),
      selection: { without: [] },
      npm: join(folder, name),
    })
  }
  await t.rejects(run('down'), {
    message: 'cannot fetch tool@1.0.0 with npm: code EHOSTUNREACH',
    hint: /npm ping/,
  })
  await t.rejects(run('unknown'), { message: /E404: No match found/ })
  await t.rejects(run('full'), { message: /disk of .*cache is full \(\d+ MB free\)/ })
})

t.test('an interrupted fetch leaves nothing behind', async t => {
  const folder = t.testdir({ slow: '#!/bin/sh\nexec sleep 60\n' })
  await chmod(join(folder, 'slow'), 0o755)
  const pin = { name: 'tool', version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==` }
  const cache = join(folder, 'cache')
  const control = new AbortController()
  const fetching = fetchPackage(pin, {
    cache,
    selection: { without: [] },
    npm: join(folder, 'slow'),
    signal: control.signal,
  })
  setTimeout(() => control.abort(new Error('interrupted')), 50)
  await t.rejects(fetching, { message: 'interrupted' })
  t.same(await readdir(cache), [])
})

t.test('downloads that no pin names are removed', async t => {
  const cache = t.testdir({ 'old@1.0.0-abc': {}, 'new@2.0.0-def': {}, 'fetch-xyz': {} })
  await prunePackages(cache, ['new@2.0.0-def'])
  t.same((await readdir(cache)).sort(), ['fetch-xyz', 'new@2.0.0-def'])
})

t.test(
  'npm gets the parent proxy of a setting in a file, and no password in a variable',
  async t => {
    const settings = {
      PARENT_PROXY: 'http://me:p%40ss@p.example:1',
      PARENT_PROXY_EXCEPT: 'a.example',
    }
    const parent = parseParentProxy({ settings, env: {} }, null)
    const user = { PATH: '/bin', HTTPS_PROXY: 'http://old.example:1' }
    t.strictSame(npmNetwork(user, parent, { ...settings, EXTRA_CA_CERTS: '/ca.pem' }), {
      env: { PATH: '/bin', NODE_EXTRA_CA_CERTS: '/ca.pem' },
      npmrc:
        'proxy=http://me:p%40ss@p.example:1\nhttps-proxy=http://me:p%40ss@p.example:1\nnoproxy=a.example\n',
    })
    t.strictSame(npmNetwork(user, null, {}), { env: user, npmrc: '' })
    t.strictSame(npmNetwork(user, null, { PARENT_PROXY: 'none' }), {
      env: { PATH: '/bin' },
      npmrc: '',
    })
  },
)
