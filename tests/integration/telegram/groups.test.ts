import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { ann, bob, group, startBot } from './fixture.ts'

const forum = { id: -1_000_000_000_500, type: 'supergroup' as const, title: 'F', is_forum: true }
const wait = { every: 20, timeout: 60_000 }
const yaml = (chat: number) => `allowed_chats: [${chat}]\nallowed_users: [${ann.id}, ${bob.id}]`

t.test('each topic of a forum has a conversation of its own, in which it is answered', async t => {
  const s = await startBot(t, { yaml: yaml(forum.id) })
  s.control.send({ chat: forum as never, from: ann, text: 'hello general' })
  await s.answer(forum.id, /hello general/)
  const one = s.control.createTopic(forum as never, ann, 'one')
  const say = async (text: string, topic?: number) => {
    s.control.send({ chat: forum as never, from: ann, text, ...(topic !== undefined && { topic }) })
    t.ok(await s.answer(forum.id, new RegExp(`^${text}$`)))
  }
  await say('first', one)
  await say('second', one)
  const sent = s.control
    .messages(forum.id)
    .filter(({ from, text }) => from?.is_bot && /first|second/.test(text ?? ''))
  t.ok(sent.every(({ message_thread_id }) => message_thread_id === one))
  const { runs } = await s.of('main').list()
  const [general, first] = runs.toReversed().map(({ sessionId }) => sessionId)
  t.not(first, general, 'a topic begins its own')
})

t.test('a group that becomes a supergroup keeps its users, settings and workspace', async t => {
  const s = await startBot(t, { yaml: yaml(group.id) })
  s.control.send({ chat: group, from: ann, text: '/system_prompt Be brief' })
  await s.answer(group.id, /system_prompt set/)
  const to = -1_000_000_000_777
  const next = s.control.migrate(group, ann, to)
  s.control.send({ chat: next, from: bob, text: '/config' })
  t.match(await s.answer(to, /workspace/), /chat_500\n.*system_prompt: Be brief/s)
  await s.reopen()
  s.control.send({ chat: next, from: bob, text: 'hello' })
  t.ok(await s.answer(to, /^hello$/))
  t.same(
    readdirSync(join(s.runner.root, 'workspaces')).filter(name => name.startsWith('chat_')),
    ['chat_500'],
  )
})

t.test('an answer to a group that has moved meanwhile reaches its new id', async t => {
  const s = await startBot(t, { yaml: yaml(group.id) })
  s.control.send({ chat: group, from: ann, text: '/bash sleep 1; echo done' })
  await s.answer(group.id, /working/)
  const to = -1_000_000_000_778
  s.control.migrate(group, ann, to)
  t.ok(await s.answer(to, /^done$/))
})

t.test('a reply quotes the message that it replies to', async t => {
  const s = await startBot(t, { yaml: yaml(group.id) })
  const { message_id } = s.control.send({ chat: group, from: bob, text: '/status' })
  await s.answer(group.id, /all clear/)
  s.control.send({ chat: group, from: ann, text: 'why?', replyTo: message_id })
  const text = await s.answer(group.id, /why\?/)
  t.match(text, /This replies to a message of Bob.*\n\/status\]\n\nwhy\?/s)
})

t.test('two prompts of a workspace: the second one is told that it is busy', async t => {
  const s = await startBot(t)
  s.say('/bash sleep 300')
  await s.answer(ann.id, /working/)
  s.say('hello')
  t.ok(await s.answer(ann.id, /^busy, try again later$/))
  s.say('/status')
  t.ok(await s.answer(ann.id, /^busy: \/bash sleep 300$/))
  s.say('/cancel')
  t.ok(await s.answer(ann.id, /^cancelled$/))
  const over = await until(() => (s.starter.count() === 0 ? 'yes' : null), wait)
  t.equal(over, 'yes')
})
