/** The stand-in for the Bot API answers, limits and refuses as Telegram does. */
import t, { type Test } from 'tap'
import { type Chat, person } from '../../support/telegram/bot-objects.ts'
import { startTelegram } from '../../support/telegram/stand-in.ts'
import { botToken } from '../../support/telegram/token.ts'

const { user, chat } = person(4711, 'Ann')
const group: Chat = { id: -300, type: 'group', title: 'Team' }

async function start(t: Test, options: Parameters<typeof startTelegram>[0] = {}) {
  const telegram = await startTelegram(options)
  t.teardown(telegram.close)
  const call = async (method: string, body: object | FormData = {}, token = botToken) => {
    const isForm = body instanceof FormData
    const response = await fetch(`${telegram.url}/bot${token}/${method}`, {
      method: 'POST',
      body: isForm ? body : JSON.stringify(body),
      ...(!isForm && { headers: { 'content-type': 'application/json' } }),
    })
    return JSON.parse(await response.text())
  }
  const updates = async (offset = 0, timeout = 0) =>
    (await call('getUpdates', { offset, timeout })).result
  return { ...telegram, call, updates }
}

t.test('an update stays until an offset above it, and wakes a long poll', async t => {
  const { control, updates } = await start(t)
  const first = control.send({ chat, from: user, text: 'one' })
  const ids = (list: { update_id: number }[]) => list.map(({ update_id }) => update_id)
  t.same(ids(await updates()), [first.update_id])
  t.same(ids(await updates()), [first.update_id])
  const waiting = updates(Number(first.update_id) + 1, 50)
  await control.calls({ method: 'getUpdates' })
  const second = control.send({ chat, from: user, text: '/status@claude_test_bot now' })
  const [update] = await waiting
  t.match(update, {
    update_id: second.update_id,
    message: {
      text: '/status@claude_test_bot now',
      from: { id: 4711 },
      entities: [{ type: 'bot_command', offset: 0, length: 23 }],
    },
  })
  t.same(control.updates().waiting, [second.update_id])
})

t.test('a second poll ends the first one', async t => {
  const { call, control } = await start(t)
  const first = call('getUpdates', { timeout: 50 })
  while (control.calls({ method: 'getUpdates' }).length === 0) await new Promise(setImmediate)
  const second = call('getUpdates', { timeout: 50 })
  t.match(await first, {
    ok: false,
    error_code: 409,
    description: /^Conflict: terminated by other/,
  })
  control.send({ chat, from: user, text: 'x' })
  t.match(await second, { ok: true, result: [{ message: { text: 'x' } }] })
})

t.test('the token is checked, and so is the method', async t => {
  const { call } = await start(t)
  t.match(await call('getMe'), { ok: true, result: { is_bot: true, username: 'claude_test_bot' } })
  t.match(await call('getMe', {}, `1:${'x'.repeat(35)}`), { error_code: 401 })
  t.match(await call('getMe', {}, 'short'), { error_code: 404, description: 'Not Found' })
  t.match(await call('sendTelepathy'), { error_code: 404 })
})

t.test('texts are refused as Telegram refuses them', async t => {
  const { call, control } = await start(t)
  const chat_id = chat.id
  t.match(await call('sendMessage', { chat_id, text: 'x' }), {
    error_code: 400,
    description: 'Bad Request: chat not found',
  })
  control.send({ chat, from: user, text: '/start' })
  const refused: [object, RegExp][] = [
    [{ text: ' ' }, /message text is empty/],
    [{ text: 'x'.repeat(4097) }, /message is too long/],
    [{ text: 'a *b', parse_mode: 'Markdown' }, /can't parse entities: .* byte offset 2/],
    [{ text: 'a.', parse_mode: 'MarkdownV2' }, /'\.' is reserved/],
    [{ text: '<b>a', parse_mode: 'HTML' }, /can't parse entities/],
    [{ text: 'ab', entities: [{ type: 'bold', offset: 1, length: 2 }] }, /ends after the end/],
    [{ text: '😀', entities: [{ type: 'bold', offset: 1, length: 1 }] }, /middle of a UTF-16/],
    [{ text: 'x', reply_parameters: { message_id: 1 } }, /message to be replied not found/],
    [{ text: 'x', message_thread_id: 5 }, /message thread not found/],
    [{ text: 'x', reply_markup: keyboard('a', 'd'.repeat(65)) }, /BUTTON_DATA_INVALID/],
  ]
  for (const [body, reason] of refused) {
    t.match(await call('sendMessage', { chat_id, ...body }), {
      error_code: 400,
      description: reason,
    })
  }
  const { result } = await call('sendMessage', {
    chat_id,
    text: 'a',
    reply_markup: keyboard('A', 'x'),
  })
  const same = { chat_id, message_id: result.message_id, text: 'a' }
  t.match(await call('editMessageText', { ...same, reply_markup: keyboard('A', 'x') }), {
    description: /^Bad Request: message is not modified/,
  })
  t.match(await call('editMessageText', same), { ok: true })
  t.match(control.messages(chat.id), [{ text: '/start' }, { text: 'a', reply_markup: undefined }])
  t.match(await call('deleteMessage', same), { ok: true, result: true })
  t.match(await call('editMessageText', same), { description: /message to edit not found/ })
})

t.test('files go both ways, within the limits of each', async t => {
  const { call, control, url, updates } = await start(t)
  const base64 = Buffer.from('in').toString('base64')
  control.send({
    chat,
    from: user,
    file: { kind: 'document', name: 'a.txt', base64 },
    caption: 'c',
  })
  control.send({ chat, from: user, file: { kind: 'photo', base64 }, album: 'a1' })
  control.send({ chat, from: user, file: { kind: 'video', size: 20 * 1024 * 1024 + 1 } })
  const [document, photo, video] = (await updates()).map(
    ({ message }: { message: object }) => message,
  )
  t.match(document, { caption: 'c', document: { file_name: 'a.txt', file_size: 2 } })
  t.match(photo, { media_group_id: 'a1', photo: [{ width: 90 }, { width: 1280 }] })
  const { result } = await call('getFile', { file_id: document.document.file_id })
  const content = await fetch(`${url}/file/bot${botToken}/${result.file_path}`)
  t.equal(await content.text(), 'in')
  t.match(await call('getFile', { file_id: video.video.file_id }), {
    description: 'Bad Request: file is too big',
  })

  const form = (kind: string, bytes: Buffer, name: string) => {
    const data = new FormData()
    data.set('chat_id', String(chat.id))
    data.set('caption', '1')
    data.set(kind, 'attach://one')
    data.set('one', new Blob([new Uint8Array(bytes)]), name)
    return data
  }
  const sent = await call('sendDocument', form('document', Buffer.from('out'), 'ä.bin'))
  t.match(sent.result, { caption: '1', document: { file_name: 'ä.bin', file_size: 3 } })
  t.same(control.file(sent.result.document.file_id), {
    name: 'ä.bin',
    base64: Buffer.from('out').toString('base64'),
  })
  t.match(await call('sendPhoto', form('photo', Buffer.from('out'), 'a.png')), {
    description: 'Bad Request: IMAGE_PROCESS_FAILED',
  })
  t.match(await call('sendDocument', form('document', Buffer.alloc(0), 'a')), {
    description: 'Bad Request: file must be non-empty',
  })
  const tooLarge = Buffer.alloc(50 * 1024 * 1024 + 1)
  t.match(await call('sendDocument', form('document', tooLarge, 'a')), { error_code: 413 })
})

t.test('a press is answered once', async t => {
  const { call, control, updates } = await start(t)
  control.send({ chat, from: user, text: '/model' })
  await call('sendMessage', {
    chat_id: chat.id,
    text: 'which',
    reply_markup: keyboard('opus', 'set:1'),
  })
  const { id } = control.press({ chat, from: user, text: 'opus' })
  t.match(await updates(), [
    {},
    { callback_query: { id, data: 'set:1', message: { text: 'which' } } },
  ])
  t.match(await call('answerCallbackQuery', { callback_query_id: id }), { ok: true })
  t.same(control.unanswered(), [])
  t.match(await call('answerCallbackQuery', { callback_query_id: id }), {
    description: /query is too old/,
  })
  t.throws(() => control.press({ chat, from: user, text: 'none' }), /no button none/)
})

t.test('chats refuse the bot: blocked, kicked, a supergroup, a closed topic', async t => {
  const { call, control } = await start(t)
  for (const place of [chat, group]) control.send({ chat: place, from: user, text: 'x' })
  const send = (chat_id: number, more: object = {}) =>
    call('sendMessage', { chat_id, text: 'x', ...more })
  control.block(chat, user)
  t.match(await send(chat.id), {
    error_code: 403,
    description: 'Forbidden: bot was blocked by the user',
  })
  control.unblock(chat, user)
  t.match(await send(chat.id), { ok: true })
  const supergroup = control.migrate(group, user, -100_300)
  t.match(await send(group.id), { error_code: 400, parameters: { migrate_to_chat_id: -100_300 } })
  const topic = control.createTopic(supergroup, user, 'Work')
  t.match(await send(supergroup.id, { message_thread_id: topic }), {
    result: { message_thread_id: topic, is_topic_message: true },
  })
  control.closeTopic(supergroup, user, topic)
  t.match(await send(supergroup.id, { message_thread_id: topic }), { description: /TOPIC_CLOSED/ })
  control.kick(supergroup, user)
  t.match(await send(supergroup.id), { error_code: 403, description: /kicked from the supergroup/ })
})

t.test('posts, edits and forwards say where they come from', async t => {
  const { control, updates } = await start(t)
  const channel: Chat = { id: -100_400, type: 'channel', title: 'News' }
  control.send({ chat: channel, text: 'news' })
  const { message_id } = control.send({ chat, from: user, text: 'a', forwardedFrom: channel })
  control.edit(chat, message_id, 'b')
  t.match(await updates(), [
    { channel_post: { sender_chat: channel, from: undefined } },
    { message: { forward_origin: { type: 'channel', chat: channel } } },
    { edited_message: { text: 'b', edit_date: Number } },
  ])
})

t.test('rates are counted, and kept on request', async t => {
  const limits = {
    chat: { perSecond: 0.001, capacity: 2 },
    group: { perSecond: 0.001, capacity: 1 },
    all: { perSecond: 0.001, capacity: 4 },
  }
  const { call, control } = await start(t, { limits, enforceLimits: true })
  for (const place of [chat, group]) control.send({ chat: place, from: user, text: 'x' })
  const statuses: number[] = []
  for (const chat_id of [chat.id, chat.id, chat.id, group.id, group.id]) {
    const { ok, error_code } = await call('sendMessage', { chat_id, text: 'x' })
    statuses.push(ok ? 200 : error_code)
  }
  t.same(statuses, [200, 200, 429, 200, 429])
  const { excesses, peaks } = control.rates()
  t.match(excesses, [
    { bucket: 'chat', retryAfter: /^\d+$/ },
    { bucket: 'group', chat: -300 },
  ])
  t.ok(peaks.chat > 1 && peaks.all > 2)
})

t.test('requests fail as a test asks for it', async t => {
  const { call, control } = await start(t)
  control.send({ chat, from: user, text: 'x' })
  const send = () => call('sendMessage', { chat_id: chat.id, text: 'x' })
  const description = 'Too Many Requests: retry after 7'
  control.fail({
    ...{ method: 'sendMessage', kind: 'error', code: 429, description },
    parameters: { retry_after: 7 },
  })
  t.match(await send(), { error_code: 429, parameters: { retry_after: 7 } })
  for (const kind of ['cut', 'lost'] as const) {
    control.fail({ method: '*', kind })
    await t.rejects(send())
  }
  control.fail({ method: 'sendMessage', kind: 'html', code: 502 })
  await t.rejects(send(), SyntaxError)
  t.equal(control.messages(chat.id).length, 2, 'a lost answer is of a message that was sent')
  t.match(await send(), { ok: true })
})

function keyboard(text: string, callback_data: string) {
  return { inline_keyboard: [[{ text, callback_data }]] }
}
