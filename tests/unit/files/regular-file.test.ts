import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import {
  openRegularFile,
  type ReadOptions,
  type RegularFile,
  readRegularFile,
  readRegularFileSync,
  textOf,
} from '../../../src/files/regular-file.ts'

const folder = t.testdir({ file: 'some text', empty: '', folder: {} })
symlinkSync('file', join(folder, 'link'))
symlinkSync('loop', join(folder, 'loop'))
execFileSync('mkfifo', [join(folder, 'pipe')])
const socket = createServer().listen(join(folder, 'socket'))
t.teardown(() => socket.close())

const readers: Record<string, (name: string, options: ReadOptions) => Promise<RegularFile>> = {
  async: (name, options) => readRegularFile(join(folder, name), options),
  sync: async (name, options) => readRegularFileSync(join(folder, name), options),
}

for (const [kind, read] of Object.entries(readers)) {
  t.test(`${kind}: reads a file, and nothing that poses as one`, async t => {
    t.equal(textOf(await read('file', { limit: 9 })), 'some text')
    t.equal(textOf(await read('empty', { limit: 9 })), '')
    const others = {
      missing: { kind: 'missing' },
      'file/below': { kind: 'missing' },
      link: { kind: 'not-regular', is: 'symlink' },
      loop: { kind: 'not-regular', is: 'symlink' },
      folder: { kind: 'not-regular', is: 'folder' },
      pipe: { kind: 'not-regular', is: 'other' },
      socket: { kind: 'not-regular', is: 'other' },
    }
    for (const [name, expected] of Object.entries(others)) {
      t.same(await read(name, { limit: 9 }), expected, name)
      t.same(await read(name, { limit: 9, part: 'tail' }), expected, name)
      t.equal(textOf(await read(name, { limit: 9 })), null, name)
    }
  })

  t.test(`${kind}: follows a symlink only when asked to`, async t => {
    t.equal(textOf(await read('link', { limit: 9, follow: true })), 'some text')
    t.same(await read('loop', { limit: 9, follow: true }), { kind: 'not-regular', is: 'symlink' })
  })

  t.test(`${kind}: keeps to its limit`, async t => {
    t.same(await read('file', { limit: 8 }), { kind: 'too-large' })
    t.equal(textOf(await read('file', { limit: 4, part: 'tail' })), 'text')
    t.equal(textOf(await read('file', { limit: 4, part: 'head' })), 'some')
    t.equal(textOf(await read('file', { limit: 99, part: 'tail' })), 'some text')
  })

  t.test(`${kind}: a file that cannot be read is an error`, async t => {
    const path = join(folder, `secret-${kind}`)
    writeFileSync(path, 'text')
    chmodSync(path, 0)
    // Modes do not stop root.
    if (process.getuid?.() === 0) process.seteuid?.(65534)
    try {
      await t.rejects(read(`secret-${kind}`, { limit: 9 }), {
        message: /cannot read .* \(EACCES\)/,
        hint: /owner/,
      })
    } finally {
      if (process.getuid?.() === 0) process.seteuid?.(0)
    }
  })
}

t.test('a file that a symlinked folder leads to is elsewhere', async t => {
  const root = t.testdir({ real: { file: 'text' } })
  symlinkSync('real', join(root, 'other'))
  const place = (name: string) => ({ limit: 9, place: join(root, name) })
  const real = join(root, 'real/file')
  t.equal(textOf(await readRegularFile(real, place('real/file'))), 'text')
  const other = join(root, 'other/file')
  t.same(await readRegularFile(other, place('other/file')), { kind: 'elsewhere' })
})

t.test('no file stays open, whatever was found', async t => {
  const open = () =>
    readdirSync('/proc/self/fd').filter(fd => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
      } catch {
        return false
      }
    })
  const before = open()
  mkdirSync(join(folder, 'more'))
  for (const name of ['file', 'folder', 'pipe', 'more']) {
    await readRegularFile(join(folder, name), { limit: 1 })
    readRegularFileSync(join(folder, name), { limit: 1 })
    await openRegularFile(join(folder, name), { place: '/nowhere' })
  }
  t.same(open(), before)
})
