import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { ann, annsChat, bob, group, startBot } from './fixture.ts'

t.test('a message is run, and its answer has the formatting of its Markdown', async t => {
  const s = await startBot(t)
  s.say('write **bold** and `code`')
  t.ok(await s.answer(ann.id, /bold and code/))
  const message = s.control.messages(ann.id).at(-1)
  t.match(message, {
    entities: [{ type: 'bold' }, { type: 'code' }],
    reply_to_message: { text: 'write **bold** and `code`' },
  })
  const gone = await until(() => (s.texts(ann.id).length === 1 ? 'yes' : null), {
    every: 20,
    timeout: 60_000,
  })
  t.equal(gone, 'yes', 'the progress message is removed')
  const { runs } = await s.of('main').list()
  t.match(runs, [{ owner: 'telegram', surface: 'telegram', state: 'succeeded' }])
})

t.test('the commands answer in their words', async t => {
  const s = await startBot(t)
  const told = async (text: string, pattern: RegExp) => {
    s.say(text)
    t.ok(await s.answer(ann.id, pattern), text)
  }
  await told('/start', /^claude bot ready$/)
  await told('/status', /^all clear$/)
  await told('/cancel', /^nothing running$/)
  await told('/config', /workspace: \/workspaces\/chat_4711/)
  await told('/usage', /telegram today \(UTC\): \$0/)
  await told('/bash', /which command/)
  await told('/fetch', /which file/)
  await told('/fetch ../secret', /outside/)
  await told('/system_prompt Be brief', /^system_prompt set$/)
  await told('/system_prompt', /system_prompt: Be brief/)
  await told('/system_prompt reset', /^system_prompt reset$/)
  await told('/verbose 7', /verbose must be 0, 1 or 2/)
  await told('/new', /begins a conversation/)
  await told('/reload', /^reloaded$/)
})

t.test('model and effort are chosen by buttons, and outlive a restart', async t => {
  const s = await startBot(t)
  s.say('/model')
  t.ok(await s.answer(ann.id, /^model: default$/))
  s.control.press({ chat: annsChat, from: ann, text: 'sonnet' })
  t.ok(await s.answer(ann.id, /^model: sonnet$/))
  await s.reopen()
  s.say('/config')
  t.ok(await s.answer(ann.id, /model: sonnet\n/))
  s.say('hello')
  t.ok(await s.answer(ann.id, /^hello$/))
  const { runs } = await s.of('main').list()
  t.match(runs, [{ model: 'sonnet' }])
})

t.test('no one is answered whose chat and user are not both listed', async t => {
  const s = await startBot(t, {
    yaml: `allowed_chats: [${ann.id}, ${group.id}]\nchats: { ${group.id}: { allowed_users: [${ann.id}] } }`,
  })
  const bobsChat = { id: bob.id, type: 'private' as const, first_name: 'Bob' }
  s.control.send({ chat: bobsChat, from: bob, text: '/start' })
  s.control.send({ chat: group, from: bob, text: '/bash id' })
  s.control.send({ chat: group, from: ann, text: '/start', forwardedFrom: bob })
  s.control.send({ chat: group, from: ann, text: '/start', senderChat: group })
  s.control.send({ chat: group, from: ann, text: '/start@another_bot' })
  s.control.send({ chat: group, from: ann, text: '/status@claude_test_bot' })
  t.ok(await s.answer(group.id, /^all clear$/))
  t.same(s.texts(bob.id), [])
  t.equal(s.texts(group.id).length, 1)
  t.match(
    s.events.filter(({ kind }) => kind === 'telegram'),
    [
      { event: 'stranger', chat: bob.id, user: bob.id },
      { event: 'stranger', chat: group.id, user: bob.id },
    ],
  )
})

t.test('an empty list admits no one, and a user who was taken off is shut out at once', async t => {
  const s = await startBot(t, { yaml: '' })
  s.say('/start')
  const strange = await until(
    () => s.events.find(event => event.kind === 'telegram' && event.event === 'stranger'),
    { every: 20, timeout: 60_000 },
  )
  t.ok(strange)
  t.same(s.texts(ann.id), [])
})

t.test('/reload keeps the last good file, and answers with the error', async t => {
  const s = await startBot(t)
  s.writeYaml(`allowed_chats: [${ann.id}]\nallowed_chat: [1]`)
  s.say('/reload')
  t.ok(await s.answer(ann.id, /not reloaded.*line 2: allowed_chat is not a key/s))
  s.writeYaml(`allowed_chats: [${ann.id}]\ndefault: { model: haiku }`)
  s.say('/reload')
  t.ok(await s.answer(ann.id, /^reloaded$/))
  s.say('/config')
  t.ok(await s.answer(ann.id, /model: haiku/))
})

t.test('/bash runs in the workspace of the chat, as a run with a record', async t => {
  const s = await startBot(t)
  s.say('/bash pwd; echo to-stderr >&2; exit 3')
  const text = await s.answer(ann.id, /chat_4711/)
  t.match(text, /to-stderr\n\(exit code 3\)/)
  const { runs } = await s.of('main').list()
  t.match(runs, [{ surface: 'telegram:bash', state: 'succeeded', costUsd: 0 }])
  s.say('/bash true')
  t.ok(await s.answer(ann.id, /^\(no output\)$/))
  s.say('/bash sleep 300')
  t.ok(await s.answer(ann.id, /^working…/))
  s.control.press({ chat: annsChat, from: ann, text: 'Stop' })
  t.ok(await s.answer(ann.id, /^cancelled$/))
})

t.test('/fetch and an answer send files of the own workspace alone', async t => {
  const s = await startBot(t)
  s.say('/config')
  await s.answer(ann.id, /workspace/)
  const folder = s.workspace(ann.id)
  writeFileSync(join(folder, 'report.txt'), 'the report')
  mkdirSync(join(s.runner.root, 'workspaces/chat_1'))
  writeFileSync(join(s.runner.root, 'workspaces/chat_1/secret'), 'of another')
  s.say('/fetch report.txt')
  const sent = await until(() => s.control.calls({ method: 'sendDocument' })[0], {
    every: 20,
    timeout: 60_000,
  })
  t.match(sent, { files: [{ name: 'report.txt', size: 10 }] })
  s.say('write done [SEND_FILE: report.txt] [SEND_FILE: /workspaces/chat_1/secret]')
  t.ok(await s.answer(ann.id, /^done/))
  t.ok(await s.answer(ann.id, /secret was not sent: path outside/))
  t.equal(s.control.calls({ method: 'sendDocument' }).length, 2)
})
