import { realpathSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { readChunks } from '../../../src/files/held-file.ts'
import { mostSentBytes, openSentFile, takeSentFiles } from '../../../src/telegram/sent-files.ts'

t.test('the marks of an answer are taken out, and name each file once', async t => {
  t.same(
    takeSentFiles('Done.\n[SEND_FILE: out/a.png]\n[SEND_FILE:b c.txt]\nSee [SEND_FILE: b c.txt]it'),
    {
      text: 'Done.\nSee it',
      paths: ['out/a.png', 'b c.txt'],
      omitted: 0,
    },
  )
})

t.test('an unclosed or empty mark stays text', async t => {
  for (const text of ['[SEND_FILE: a', '[SEND_FILE: a\nb]', '[SEND_FILE: ]', '[send_file: a]'])
    t.same(takeSentFiles(text), { text, paths: [], omitted: 0 })
})

t.test('an answer sends a bounded number of files', async t => {
  const marks = Array.from({ length: 12 }, (_, index) => `[SEND_FILE: ${index}]`).join('')
  const { paths, omitted } = takeSentFiles(marks)
  t.equal(paths.length, 10)
  t.equal(omitted, 2)
})

t.test('the workspaces of two chats', async t => {
  const root = realpathSync(
    t.testdir({
      chat_1: { 'a.png': 'image', 'b.MP4': 'film', 'c.txt': 'text', empty: '', sub: { d: 'deep' } },
      chat_11: { secret: 'of another chat' },
      outside: 'of the tenant',
    }),
  )
  const workspace = join(root, 'chat_1')
  symlinkSync('../outside', join(workspace, 'link'))
  symlinkSync('../chat_11', join(workspace, 'folder-link'))
  symlinkSync('sub', join(workspace, 'inner'))
  const open = (path: string) => openSentFile({ workspace, workerPath: '/workspaces/chat_1', path })

  async function read(path: string) {
    const { file, kind, name } = await open(path)
    try {
      return { kind, name, text: await text(readChunks(file)) }
    } finally {
      await file.close()
    }
  }

  await t.test('an image is a photo, a video a video, and the rest documents', async t => {
    t.same(await read('a.png'), { kind: 'photo', name: 'a.png', text: 'image' })
    t.same(await read('b.MP4'), { kind: 'video', name: 'b.MP4', text: 'film' })
    t.same(await read('c.txt'), { kind: 'document', name: 'c.txt', text: 'text' })
    t.same(await read('./sub//d'), { kind: 'document', name: 'd', text: 'deep' })
    t.equal((await read('/workspaces/chat_1/sub/d')).text, 'deep')
  })

  await t.test('a path out of the workspace of the chat is refused', async t => {
    for (const path of [
      '../chat_11/secret',
      '/workspaces/chat_11/secret',
      '/workspaces/chat_1/../chat_11/secret',
      '/etc/passwd',
      'sub/../../outside',
      '/proc/self/environ',
    ])
      await t.rejects(open(path), { message: /outside/ }, path)
  })

  await t.test('a symlink is not followed, wherever it leads', async t => {
    for (const path of ['link', 'folder-link/secret', 'inner/d'])
      await t.rejects(open(path), { message: /symlinks are not followed/ }, path)
  })

  await t.test('a folder, a missing, empty or too large file is refused', async t => {
    writeFileSync(join(workspace, 'large'), '')
    truncateSync(join(workspace, 'large'), mostSentBytes + 1)
    await t.rejects(open('sub'), { message: /is a directory/ })
    await t.rejects(open('.'), { message: /is a directory/ })
    await t.rejects(open('none'), { message: /not found/ })
    await t.rejects(open('empty'), { message: /is empty/ })
    await t.rejects(open('large'), { message: /larger than 50 MB/ })
    truncateSync(join(workspace, 'large'), mostSentBytes)
    t.equal((await read('large')).text.length, mostSentBytes)
  })

  await t.test('a name cannot carry a path or a header', async t => {
    writeFileSync(join(workspace, 'a"\r\nX: y.png'), 'x')
    t.equal((await read('a"\r\nX: y.png')).name, 'a_X_ y.png')
  })
})
