import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  captionPrompt,
  MessageFiles,
  mostReceivedBytes,
  receivedFile,
} from '../../../src/telegram/received-files.ts'
import { saveReceived } from '../../../src/telegram/save-received.ts'
import { createTurns } from '../../../src/tenants/files/turns.ts'

const sent = { file_id: 'BQAC-x_1', file_unique_id: 'AgAD1' }
const nameOf = (message: unknown) => receivedFile(MessageFiles.parse(message))?.name ?? null

t.test('each kind of file has the name of its document, or one of its id', async t => {
  t.equal(nameOf({ document: { ...sent, file_name: 'a b.pdf' } }), 'a b.pdf')
  t.equal(nameOf({ document: sent }), 'file_AgAD1')
  t.equal(nameOf({ document: { ...sent, file_name: '../..' } }), 'file_AgAD1')
  t.equal(nameOf({ video: sent }), 'video_AgAD1.mp4')
  t.equal(nameOf({ voice: sent }), 'voice_AgAD1.ogg')
  t.equal(nameOf({ audio: sent }), 'audio_AgAD1.mp3')
  t.equal(nameOf({ text: 'hello' }), null)
})

t.test('of a photo the largest size is taken', async t => {
  const photo = [
    { ...sent, file_unique_id: 'small', width: 90, height: 90 },
    { ...sent, file_unique_id: 'large', width: 1280, height: 960 },
    { ...sent, file_unique_id: 'middle', width: 320, height: 320 },
  ]
  t.equal(nameOf({ photo }), 'photo_large.jpg')
  t.equal(nameOf({ photo: [] }), null)
})

t.test('a file that a bot cannot get is told before it is asked for', async t => {
  const sized = (file_size: number) =>
    receivedFile(MessageFiles.parse({ document: { ...sent, file_size } }))?.isTooLarge
  t.equal(sized(mostReceivedBytes), false)
  t.equal(sized(mostReceivedBytes + 1), true)
})

t.test('an id that could change a URL is refused', async t => {
  for (const file_id of ['../getMe', 'a?b', '', 'a/b'])
    t.notOk(MessageFiles.safeParse({ document: { ...sent, file_id } }).success, file_id)
})

t.test('the prompt of a caption names the saved files', async t => {
  t.equal(
    captionPrompt('Read it', ['a.pdf']),
    'A file was saved in the workspace: "a.pdf"\n\nRead it',
  )
  t.match(captionPrompt('Both', ['a', 'b']), /^Files were saved in the workspace: "a", "b"\n/)
})

t.test('the workspace of a chat', async t => {
  const root = realpathSync(t.testdir({ chat: { 'a.txt': 'old' }, other: {} }))
  const workspace = join(root, 'chat')
  const turns = createTurns()
  const save = (name: string, ...chunks: Buffer[]) =>
    saveReceived({
      workspace,
      name,
      turns,
      async *content() {
        yield* chunks
      },
    })

  await t.test('a saved file has the whole content', async t => {
    t.equal(await save('b.bin', Buffer.from('one '), Buffer.from('two')), 'b.bin')
    t.equal(readFileSync(join(workspace, 'b.bin'), 'utf8'), 'one two')
  })

  await t.test('a file that exists is not replaced', async t => {
    t.equal(await save('a.txt', Buffer.from('new')), 'a_2.txt')
    t.equal(await save('a.txt', Buffer.from('newer')), 'a_3.txt')
    t.equal(readFileSync(join(workspace, 'a.txt'), 'utf8'), 'old')
    t.equal(readFileSync(join(workspace, 'a_3.txt'), 'utf8'), 'newer')
  })

  await t.test('a message that comes again saves no second file', async t => {
    t.equal(await save('a.txt', Buffer.from('ne'), Buffer.from('w')), 'a_2.txt')
    t.equal(await save('a.txt', Buffer.from('newer')), 'a_3.txt')
    t.equal(await save('a.txt', Buffer.from('newe')), 'a_4.txt')
    t.equal(await save('a.txt', Buffer.from('o')), 'a_5.txt')
  })

  await t.test('files of one name at once are all saved', async t => {
    const names = await Promise.all(['1', '2', '3'].map(text => save('same', Buffer.from(text))))
    t.same(names.toSorted(), ['same', 'same_2', 'same_3'])
  })

  await t.test('a symlink or a folder of that name is left alone', async t => {
    symlinkSync('../other/planted', join(workspace, 'link.txt'))
    mkdirSync(join(workspace, 'folder'))
    t.equal(await save('link.txt', Buffer.from('x')), 'link_2.txt')
    t.equal(await save('folder', Buffer.from('x')), 'folder_2')
    t.same(readdirSync(join(root, 'other')), [])
  })

  await t.test('a file that is larger than announced leaves nothing', async t => {
    const before = readdirSync(workspace)
    const half = Buffer.alloc(mostReceivedBytes / 2 + 1)
    await t.rejects(save('huge', half, half), { message: /20 MB/ })
    t.same(readdirSync(workspace), before)
  })
})
