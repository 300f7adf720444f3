import { fstatSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { holdFile, readChunks } from '../../../src/files/held-file.ts'

t.test('a file that is held', async t => {
  const folder = t.testdir({ a: 'first', b: 'other' })
  const hold = () => holdFile(openSync(join(folder, 'a'), 'r'))
  const names = (fd: number, name: string) => {
    try {
      return fstatSync(fd).ino === statSync(join(folder, name)).ino
    } catch {
      return false
    }
  }

  await t.test('is read at a position, on from the last read, and in chunks', async t => {
    const file = hold()
    const bytes = Buffer.alloc(3)
    t.same(await file.read(bytes, 0, 3, 1), { bytesRead: 3 })
    t.equal(bytes.toString(), 'irs')
    await file.read(bytes, 0, 3)
    t.equal(bytes.toString(), 'fir')
    t.equal((await buffer(readChunks(file, 2))).toString(), 'first')
    await file.close()
  })

  await t.test('stays open until a read that is under way has ended', async t => {
    const file = hold()
    const bytes = Buffer.alloc(5)
    const reading = file.read(bytes, 0, 5, 0)
    await file.close()
    t.ok(names(file.fd, 'a'), 'its number cannot become another file’s')
    t.same(await reading, { bytesRead: 5 })
    t.equal(bytes.toString(), 'first')
    t.notOk(names(file.fd, 'a'))
  })

  await t.test('is closed once, and not read after that', async t => {
    const file = hold()
    await file.close()
    const other = openSync(join(folder, 'b'), 'r')
    t.equal(other, file.fd, 'another file has its number')
    await file.close()
    t.ok(names(other, 'b'))
    await t.rejects(file.read(Buffer.alloc(1), 0, 1, 0), { message: 'the file is closed' })
  })
})
