import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readRegularFile, readTail } from '../../../src/files/regular-file.ts'

const folder = t.testdir({ file: 'some text', empty: '', folder: {} })
symlinkSync('file', join(folder, 'link'))
execFileSync('mkfifo', [join(folder, 'pipe')])

t.test('a file, and nothing that poses as one', async t => {
  t.equal(readRegularFile(join(folder, 'file'), 9), 'some text')
  t.equal(readRegularFile(join(folder, 'empty'), 9), '')
  for (const name of ['link', 'pipe', 'folder', 'missing']) {
    t.equal(readRegularFile(join(folder, name), 9), null, name)
    t.equal(readTail(join(folder, name), 9), null, name)
  }
})

t.test('no more than was asked for', async t => {
  t.equal(readRegularFile(join(folder, 'file'), 8), null)
  t.equal(readTail(join(folder, 'file'), 4), 'text')
  t.equal(readTail(join(folder, 'file'), 99), 'some text')
})
