import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { ann, annsChat, startBot } from './fixture.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
/** An image of one pixel. */
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const wait = { every: 20, timeout: 60_000 }

t.test('a document is saved, and its caption is a prompt', async t => {
  const s = await startBot(t)
  const send = (name: string, content: string, more: object = {}) =>
    s.control.send({
      chat: annsChat,
      from: ann,
      file: { kind: 'document', name, base64: base64(content) },
      ...more,
    })
  send('notes.txt', 'the notes')
  t.ok(await s.answer(ann.id, /^saved notes.txt$/))
  const folder = s.workspace(ann.id)
  t.equal(readFileSync(join(folder, 'notes.txt'), 'utf8'), 'the notes')
  send('notes.txt', 'others')
  t.ok(await s.answer(ann.id, /^saved notes_2.txt$/), 'it replaces no file')
  send('../../evil.txt', 'outside')
  t.ok(await s.answer(ann.id, /^saved _.._evil.txt$|^saved .*evil.txt$/))
  t.notOk(existsSync(join(folder, '../evil.txt')))
  send('data.csv', 'a,b', { caption: 'what is in it?' })
  t.ok(await s.answer(ann.id, /A file was saved in the workspace: "data.csv"\n\nwhat is in it\?/))
})

t.test('a photo, a video and a voice message are saved under their names', async t => {
  const s = await startBot(t)
  for (const kind of ['photo', 'video', 'voice'] as const) {
    s.control.send({ chat: annsChat, from: ann, file: { kind, base64: base64(kind) } })
  }
  t.ok(await s.answer(ann.id, /^saved photo_.*\.jpg$/))
  t.ok(await s.answer(ann.id, /^saved video_.*\.mp4$/))
  t.ok(await s.answer(ann.id, /^saved voice_.*\.ogg$/))
  t.equal(readdirSync(s.workspace(ann.id)).length, 3)
})

t.test('a voice message is transcribed by the configured command alone', async t => {
  const transcribe = 'tr a-z A-Z <'
  const yaml = `allowed_chats: [${ann.id}]\ndefault: { transcribe: "${transcribe}" }`
  const s = await startBot(t, { yaml })
  s.control.send({ chat: annsChat, from: ann, file: { kind: 'voice', base64: base64('hello') } })
  const text = await s.answer(ann.id, /HELLO/)
  t.match(
    text,
    /^A voice message was saved in the workspace as "voice_.*\.ogg"\. Its words:\n\nHELLO$/,
  )
  const { runs } = await s.of('main').list()
  t.same(runs.map(({ surface }) => surface).sort(), ['telegram', 'telegram:transcribe'])
})

t.test('an album is one prompt', async t => {
  const s = await startBot(t)
  for (const number of [1, 2, 3]) {
    s.control.send({
      ...{ chat: annsChat, from: ann, album: 'holiday' },
      file: { kind: 'document', name: `${number}.txt`, base64: base64(String(number)) },
      ...(number === 1 && { caption: 'compare them' }),
    })
  }
  t.ok(
    await s.answer(
      ann.id,
      /Files were saved in the workspace: "1.txt", "2.txt", "3.txt"\n\ncompare them/,
    ),
  )
  t.equal((await s.of('main').list()).runs.length, 1)
})

t.test('a file above 20 MB is refused, and a failed download is told', async t => {
  const s = await startBot(t)
  const file = { kind: 'document' as const, name: 'big.bin', size: 21 * 1024 * 1024 }
  s.control.send({ chat: annsChat, from: ann, file })
  t.ok(await s.answer(ann.id, /^big.bin is larger than the 20 MB/))
  s.control.fail({ method: 'file', kind: 'cut' })
  const small = { kind: 'document' as const, name: 'small.txt', base64: base64('x') }
  s.control.send({ chat: annsChat, from: ann, file: small })
  const told = await s.answer(ann.id, /^small.txt was not saved/)
  t.notMatch(told, /s3cretT/)
})

t.test('an answer sends images as photos, and the tool send_file sends at once', async t => {
  const s = await startBot(t)
  s.say('/config')
  await s.answer(ann.id, /workspace/)
  const folder = s.workspace(ann.id)
  mkdirSync(join(folder, 'out'))
  writeFileSync(join(folder, 'out/plot.png'), pixel)
  writeFileSync(join(folder, 'out/no.png'), 'not an image')
  writeFileSync(join(folder, 'out/a b;c.txt'), 'text')
  s.say('write see [SEND_FILE: out/plot.png]\n[SEND_FILE: out/a b;c.txt]')
  const photo = await until(() => s.control.calls({ method: 'sendPhoto' })[0], wait)
  t.match(photo?.files, [{ name: 'plot.png', size: pixel.length }])
  const document = await until(() => s.control.calls({ method: 'sendDocument' })[0], wait)
  t.match(document?.files, [{ name: 'a b;c.txt', size: 4 }])
  const call = JSON.stringify([['send_file', { path: 'out/plot.png', caption: 'as asked' }]])
  s.say(`call ${call}`)
  t.ok(await s.answer(ann.id, /^sent$/), 'the model is told')
  t.match(s.control.calls({ method: 'sendPhoto' })[1], { values: { caption: 'as asked' } })
  s.say('/fetch out/no.png')
  const plain = await until(() => s.control.calls({ method: 'sendDocument' })[1], wait)
  t.match(plain?.files, [{ name: 'no.png' }], 'what Telegram cannot show is a document')
})

t.test('a long answer is a file', async t => {
  const s = await startBot(t)
  s.say(`write ${'0123456789 '.repeat(300)}`)
  t.ok(await s.answer(ann.id, /^0123456789/))
  s.say(`write ${'word '.repeat(800)}`)
  await s.answer(ann.id, /^word/)
  // A prompt has one message, so that the fake makes the long answer.
  s.say('/bash yes 0123456789 | head -n 5000')
  const document = await until(() => s.control.calls({ method: 'sendDocument' })[0], wait)
  t.match(document?.files, [{ name: 'answer.md' }])
})
