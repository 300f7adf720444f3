import { readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { type FileHandle, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { keepInCache, replaceFile, replaceFileSync } from '../../../src/files/replace-file.ts'

const ways = {
  async: replaceFile,
  durable: (path: string, data: string, options: { mode?: number } = {}) =>
    replaceFile(path, data, { ...options, durable: true }),
  sync: async (path: string, data: string, options: { mode?: number } = {}) =>
    replaceFileSync(path, data, options),
}

for (const [kind, replace] of Object.entries(ways)) {
  t.test(`${kind}: the new content takes the place of the old one, with its mode`, async t => {
    const folder = t.testdir({ file: 'old' })
    const path = join(folder, 'file')
    const before = process.umask(0o077)
    try {
      await replace(path, 'new', { mode: 0o644 })
    } finally {
      process.umask(before)
    }
    t.equal(readFileSync(path, 'utf8'), 'new')
    t.equal(statSync(path).mode & 0o777, 0o644, 'whatever the umask')
    await replace(path, 'private')
    t.equal(statSync(path).mode & 0o777, 0o600, 'private by default')
    t.same(readdirSync(folder), ['file'], 'and nothing is left beside it')
  })

  t.test(`${kind}: a symlink is replaced, not written through`, async t => {
    const folder = t.testdir({ target: 'untouched' })
    symlinkSync('target', join(folder, 'link'))
    await replace(join(folder, 'link'), 'new')
    t.equal(readFileSync(join(folder, 'target'), 'utf8'), 'untouched')
    t.equal(readFileSync(join(folder, 'link'), 'utf8'), 'new')
  })

  t.test(`${kind}: a failure leaves the old one, and nothing beside it`, async t => {
    const folder = t.testdir({ taken: { file: '' } })
    await t.rejects(replace(join(folder, 'taken'), 'new'), {
      message: /cannot write .*taken \(EISDIR\)/,
      hint: /free space/,
      cause: { code: 'EISDIR' },
    })
    t.same(readdirSync(folder), ['taken'])
    await t.rejects(replace(join(folder, 'missing/file'), 'new'), { message: /\(ENOENT\)/ })
    await t.resolves(replace(join(folder, 'ü'.repeat(127)), 'new'), 'the longest name fits')
  })
}

t.test('a function may write the content itself', async t => {
  const folder = t.testdir({ scratch: {} })
  const path = join(folder, 'file')
  const temporary = join(folder, 'scratch/next')
  const write = async (file: FileHandle) => {
    await file.writeFile('te')
    await file.writeFile('xt')
    await file.chmod(0o777)
  }
  await replaceFile(path, write, { temporary })
  t.equal(statSync(path).mode & 0o777, 0o600)
  const refusal = new Error('not yours')
  await t.rejects(
    replaceFile(path, () => Promise.reject(refusal), { temporary }),
    {
      cause: refusal,
    },
  )
  t.equal(readFileSync(path, 'utf8'), 'text')
  t.same(readdirSync(join(folder, 'scratch')), [])
})

t.test('what another process put at the temporary name is not written to', async t => {
  const folder = t.testdir({ target: 'untouched' })
  const temporary = join(folder, 'next')
  symlinkSync('target', temporary)
  await t.rejects(replaceFile(join(folder, 'file'), 'new', { temporary }), {
    cause: { code: 'EEXIST' },
  })
  t.equal(readFileSync(join(folder, 'target'), 'utf8'), 'untouched')
})

t.test('an answer is kept in a folder that is made for it', async t => {
  const path = join(t.testdir(), 'cache/answer.json')
  await keepInCache(path, 'first')
  await keepInCache(path, 'second')
  t.equal(await readFile(path, 'utf8'), 'second')
  t.same(await readdir(join(path, '..')), ['answer.json'])
})

t.test('a cache that cannot be written is no failure, and nothing half is left in it', async t => {
  const folder = t.testdir({ file: '', 'taken.json': { folder: 'in the way' } })
  await keepInCache(join(folder, 'file/answer.json'), 'text')
  await keepInCache(join(folder, 'taken.json'), 'text')
  t.same(await readdir(folder), ['file', 'taken.json'])
  await writeFile(join(folder, 'file'), 'still a file')
})
