import { chmod, rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { contextFiles, fingerprint, hashContext } from '../../../src/images/content-hash.ts'

t.test('the hash depends only on names, bytes and the executable bit', async t => {
  const folder = t.testdir({ a: '1', sub: { b: '2' } })
  const first = await hashContext(folder)
  await utimes(join(folder, 'a'), 1, 1)
  await chmod(join(folder, 'a'), 0o600)
  t.equal(await hashContext(folder), first, 'neither times nor the umask of a checkout')
  await chmod(join(folder, 'a'), 0o700)
  t.not(await hashContext(folder), first)
  await chmod(join(folder, 'a'), 0o600)
  await writeFile(join(folder, 'sub/b'), '3')
  t.not(await hashContext(folder), first)
  await writeFile(join(folder, 'sub/b'), '2')
  t.equal(await hashContext(folder), first)
  await rename(join(folder, 'a'), join(folder, 'c'))
  t.not(await hashContext(folder), first)
})

t.test('a file can be left out', async t => {
  const folder = t.testdir({ a: '1', 'squid.conf': 'edited every day' })
  t.same(
    contextFiles(folder, ['squid.conf']).map(({ path }) => path),
    ['a'],
  )
})

t.test('the fingerprint changes with a file without reading it', async t => {
  const folder = t.testdir({ a: '1' })
  const before = fingerprint(contextFiles(folder))
  t.equal(fingerprint(contextFiles(folder)), before)
  await writeFile(join(folder, 'a'), '2')
  t.not(fingerprint(contextFiles(folder)), before)
})
