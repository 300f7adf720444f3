import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { Agent } from 'undici'
import { until } from '../../../src/base/async.ts'
import { createBotApi } from '../../../src/telegram/bot-api/bot-api.ts'
import { hintOf, wordsOf } from '../../../src/telegram/bot-api/failure.ts'
import { listen } from '../../support/http/listen.ts'
import { botToken } from '../../support/telegram/token.ts'
import { ann, annsChat, group, startBot } from './fixture.ts'

const wait = { every: 20, timeout: 60_000 }

t.test('the bot waits as long as Telegram says, and loses nothing', async t => {
  const s = await startBot(t)
  s.control.fail({
    ...{ method: 'sendMessage', kind: 'error', code: 429, times: 2 },
    ...{ description: 'Too Many Requests: retry after 1', parameters: { retry_after: 1 } },
  })
  s.say('/start')
  t.ok(await s.answer(ann.id, /^claude bot ready$/))
  t.equal(s.control.calls({ method: 'sendMessage' }).length, 3)
})

t.test('what Telegram does not take as formatted is sent as it is', async t => {
  const s = await startBot(t)
  s.control.fail({
    ...{ method: 'sendMessage', kind: 'error', code: 400, times: 3 },
    description: "Bad Request: can't parse entities: unsupported start tag",
  })
  s.say('write **bold**')
  t.ok(await s.answer(ann.id, /^bold$/))
  t.notOk(s.control.messages(ann.id).at(-1)?.entities)
})

t.test('another program with the token, a balancer and a lost line only pause the bot', async t => {
  const s = await startBot(t)
  s.control.fail({
    ...{ method: 'getUpdates', kind: 'error', code: 409 },
    description: 'Conflict: terminated by other getUpdates request',
  })
  s.control.fail({ method: 'getUpdates', kind: 'html', code: 502 })
  s.control.fail({ method: 'getUpdates', kind: 'cut' })
  s.say('/start')
  t.ok(await s.answer(ann.id, /^claude bot ready$/))
  s.say('/status')
  t.ok(await s.answer(ann.id, /^all clear$/))
  s.control.fail({ method: 'sendMessage', kind: 'html', code: 504 })
  s.say('/cancel')
  t.ok(await s.answer(ann.id, /^nothing running$/))
})

t.test('a chat that blocked the bot ends nothing but its own answer', async t => {
  const s = await startBot(t)
  s.say('/bash until rm go 2>/dev/null; do sleep 0.1; done')
  await s.answer(ann.id, /working/)
  s.control.block(annsChat, ann)
  writeFileSync(join(s.workspace(ann.id), 'go'), '')
  const left = await until(() => s.records.count('job') === 0, wait)
  t.ok(left, 'its job is over')
  s.control.unblock(annsChat, ann)
  s.say('/start')
  t.ok(await s.answer(ann.id, /^claude bot ready$/))
})

t.test('what was sent while the bot was down is answered, each once', async t => {
  const s = await startBot(t)
  s.say('/start')
  await s.answer(ann.id, /ready/)
  await s.bot().close()
  s.say('hello one')
  s.say('/status')
  await s.reopen()
  t.ok(await s.answer(ann.id, /^hello one$/))
  t.ok(await s.answer(ann.id, /^all clear$|^busy: hello one$/))
  t.equal((await s.of('main').list()).runs.length, 1)
})

t.test('a run that the end of the server interrupted is reported to its chat', async t => {
  const s = await startBot(t)
  s.say('/bash sleep 300')
  await s.answer(ann.id, /working/)
  await until(() => s.runner.runner.status().runs.length > 0, wait)
  const closing = s.bot().close()
  await s.starter.drain(0)
  await closing
  t.equal(s.records.count('job'), 1, 'not told yet')
  await s.reopen()
  t.ok(await s.answer(ann.id, /^interrupted: the server stopped during this run/))
  t.equal((await s.of('main').list()).runs.length, 1, 'and not started again')
  t.equal(s.records.count('job'), 0)
})

t.test('a chat that telegram.yml lets go gets no run after a restart, and no answer', async t => {
  const s = await startBot(t)
  const stranger = `allowed_chats: [${group.id}]`
  const left = () => s.records.count('job') + s.records.count('album') === 0 || null
  s.say('/bash until rm go 2>/dev/null; do sleep 0.1; done; echo late')
  await s.answer(ann.id, /working/)
  s.writeYaml(stranger)
  const place = { caller: { tenant: 'main' }, workspace: undefined }
  // The place alone is refused before the file is read again.
  const isRead = () => /has no chat/.test(s.bot().refusalOf(ann.id, ann.id, place) ?? '')
  t.ok(await until(isRead, wait))
  writeFileSync(join(s.workspace(ann.id), 'go'), '')
  t.ok(await until(left, wait))
  await s.bot().close()
  const asked = { chat: ann.id, topic: null, user: ann.id, message: 1 }
  const begun = { begunAt: null, runId: null, tenant: null, folder: null, progress: null, sent: 0 }
  s.records.put('job', '9', { id: '9', ...asked, kind: 'bash', prompt: 'true', ...begun })
  const album = { names: ['a.txt'], problems: [], prompt: '', update: 8 }
  s.records.put('album', `${ann.id}:a`, { ...asked, ...album })
  await s.reopen()
  t.ok(await until(left, wait))
  t.same(s.texts(ann.id), [])
  t.equal((await s.of('main').list()).runs.length, 1)
})

t.test('Stop removes the progress message of a run that is over', async t => {
  const s = await startBot(t)
  // Sent, but its id never arrives: it is sent again.
  s.control.fail({ method: 'sendMessage', kind: 'lost' })
  s.say('hello')
  t.ok(await s.answer(ann.id, /^hello$/))
  const shows = (texts: string[]) => JSON.stringify(s.texts(ann.id)) === JSON.stringify(texts)
  t.ok(await until(() => shows(['working…', 'hello']) || null, wait))
  s.control.press({ chat: annsChat, from: ann, text: 'Stop' })
  t.ok(await until(() => shows(['hello']) || null, wait))
})

t.test('Stop removes the progress message also while the answer is on the way', async t => {
  const s = await startBot(t)
  s.say('/bash until rm go 2>/dev/null; do sleep 0.1; done; echo done')
  await s.answer(ann.id, /working/)
  const description = 'Bad Request: not now'
  s.control.fail({ method: 'deleteMessage', kind: 'error', code: 400, description })
  s.control.fail({ method: 'editMessageText', times: 9, kind: 'error', code: 400, description })
  s.control.fail({ method: 'sendMessage', times: 2, kind: 'html', code: 502 })
  writeFileSync(join(s.workspace(ann.id), 'go'), '')
  const tried = () => s.control.calls({ method: 'sendMessage' }).length > 1 || null
  t.ok(await until(tried, wait))
  t.equal(s.records.count('job'), 1, 'the answer is on the way')
  s.control.press({ chat: annsChat, from: ann, text: 'Stop' })
  t.ok(await s.answer(ann.id, /^done$/))
  t.ok(await until(() => s.texts(ann.id).length === 1 || null, wait))
})

t.test('no failure has the address, in which the token is', async t => {
  const sudden = createServer(request => request.socket.destroy())
  const { port, close } = await listen(sudden, '127.0.0.1', 0)
  t.teardown(close)
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  const roots = [`http://127.0.0.1:${port}`, 'http://127.0.0.1:1', 'http://no.such.invalid']
  for (const root of roots) {
    const api = createBotApi({ token: botToken, dispatcher, root })
    const error = await api.getMe().catch(error => error)
    t.ok(error instanceof Error)
    t.notMatch(JSON.stringify([wordsOf(error), hintOf(error), error.message]), /s3cretT/, root)
    const download = async () => {
      for await (const _ of api.download('photos/x.jpg', AbortSignal.timeout(10_000))) break
    }
    const failed = await download().catch(error => error)
    t.notMatch(`${failed.message} ${failed.stack} ${failed.cause}`, /s3cretT/)
  }
  const api = createBotApi({ token: botToken, dispatcher, root: roots[0] ?? '' })
  for (const path of ['../x', 'a/../../bot', 'a?b', 'a b', '/etc/passwd']) {
    const download = async () => {
      for await (const _ of api.download(path, AbortSignal.timeout(10_000))) break
    }
    await t.rejects(download(), { message: /a path that is not one/ }, path)
  }
})

t.test('no line of the log has the token, whichever call fails', async t => {
  const s = await startBot(t)
  s.control.fail({ method: '*', kind: 'cut', times: 6 })
  s.say('/start')
  t.ok(await s.answer(ann.id, /^claude bot ready$/))
  t.ok(s.events.length > 0)
  t.notMatch(JSON.stringify(s.events), /s3cretT/)
})
