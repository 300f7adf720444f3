import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { keepInCache } from '../../../src/files/cache-file.ts'

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
