import t from 'tap'
import { until } from '../../../src/base/async.ts'
import type { Grants } from '../../../src/tenants/grants.ts'
import { ann, annsChat, bob, group, startBot } from './fixture.ts'

const wait = { every: 20, timeout: 60_000 }

function asking(...questions: { question: string; multiSelect?: boolean }[]) {
  const options = [{ label: 'red' }, { label: 'blue' }]
  const input = {
    questions: questions.map(given => ({ multiSelect: false, options, ...given })),
  }
  return `ask ${JSON.stringify({ tool_name: 'AskUserQuestion', input })}`
}

t.test('a question comes as buttons, and is answered once', async t => {
  const s = await startBot(t)
  s.say(asking({ question: 'Which colour?' }))
  await s.answer(ann.id, /^❓ Which colour\?\n1\. red\n2\. blue/)
  const asked = s.control.messages(ann.id).find(({ text }) => text?.startsWith('❓'))
  const data = asked?.reply_markup?.inline_keyboard?.[1]?.[0]?.callback_data ?? ''
  s.control.press({ chat: annsChat, from: ann, text: 'blue' })
  const answer = await s.answer(ann.id, /"behavior":"allow"/)
  t.match(answer, /"Which colour\?":"blue"/)
  t.ok(await s.answer(ann.id, /^❓ Which colour\? → blue$/))
  // A client can press what is not shown any more.
  s.say('/model')
  await s.answer(ann.id, /^model/)
  s.control.press({ chat: annsChat, from: ann, data })
  const calls = await until(() => {
    const pressed = s.control.calls({ method: 'answerCallbackQuery' })
    return pressed.length === 2 ? pressed : null
  }, wait)
  t.match(calls?.at(-1)?.values, { text: /expired/ })
})

t.test('a reply is an answer in own words, and several questions come one by one', async t => {
  const s = await startBot(t)
  s.say(asking({ question: 'First?' }, { question: 'Second?', multiSelect: true }))
  await s.answer(ann.id, /^❓ First\? \(1 of 2\)/)
  const first = s.control.messages(ann.id).find(({ text }) => text?.startsWith('❓ First'))
  s.say('something else', { replyTo: first?.message_id })
  await s.answer(ann.id, /^❓ Second\? \(2 of 2\)/)
  s.control.press({ chat: annsChat, from: ann, text: 'red' })
  const marked = await until(
    () =>
      s.control
        .messages(ann.id)
        .flatMap(({ reply_markup }) => reply_markup?.inline_keyboard?.flat() ?? [])
        .find(({ text }) => text === '✓ red'),
    wait,
  )
  t.ok(marked)
  s.control.press({ chat: annsChat, from: ann, text: 'blue' })
  await until(
    () =>
      s.control
        .messages(ann.id)
        .flatMap(({ reply_markup }) => reply_markup?.inline_keyboard?.flat() ?? [])
        .find(({ text }) => text === '✓ blue'),
    wait,
  )
  s.control.press({ chat: annsChat, from: ann, text: 'Done' })
  t.match(await s.answer(ann.id, /behavior/), /"First\?":"something else","Second\?":"red, blue"/)
})

t.test('a stranger in the group answers nothing', async t => {
  const yaml = `allowed_chats: [${group.id}]\nallowed_users: [${ann.id}]`
  const s = await startBot(t, { yaml })
  s.control.send({ chat: group, from: ann, text: asking({ question: 'Delete it?' }) })
  await s.answer(group.id, /^❓ Delete/)
  s.control.press({ chat: group, from: bob, text: 'red' })
  const refused = await until(() => s.control.calls({ method: 'answerCallbackQuery' })[0], wait)
  t.match(refused?.values, { text: 'not for you' })
  s.control.press({ chat: group, from: ann, text: 'blue' })
  t.match(await s.answer(group.id, /behavior/), /"Delete it\?":"blue"/)
})

t.test('a question that a restart has left is marked as expired', async t => {
  const s = await startBot(t)
  s.say(asking({ question: 'Still there?' }))
  await s.answer(ann.id, /^❓ Still there/)
  const closing = s.bot().close()
  await s.starter.drain(0)
  await closing
  t.ok(await s.answer(ann.id, /^❓ expired: this question is no longer open$/))
})

t.test('a refused name is opened by an administrator, once and for a time', async t => {
  const granted: object[] = []
  const grants: Grants = {
    list: async () => [],
    grant: async given => {
      granted.push(given)
      const until = '2026-11-30T12:00:00Z'
      return [{ kind: 'opened', name: given.names[0] ?? '', tenant: given.tenant, until }]
    },
    deny: async () => [],
  }
  const yaml = `allowed_chats: [${group.id}]\nallowed_users: [${ann.id}, ${bob.id}]\nadmins: [${ann.id}]`
  const s = await startBot(t, { yaml, grants })
  const words = 'api.example.com is not on the allowlist'
  s.control.send({ chat: group, from: bob, text: `denied ${words}` })
  t.ok(await s.answer(group.id, /^🔒 The proxy refused api.example.com/))
  s.control.press({ chat: group, from: bob, text: '1h' })
  const first = await until(() => s.control.calls({ method: 'answerCallbackQuery' })[0], wait)
  t.match(first?.values, { text: 'only for administrators' })
  s.control.press({ chat: group, from: ann, text: '1h' })
  t.ok(await s.answer(group.id, /^🔓 api.example.com is open until 2026-11-30T12:00:00Z/))
  t.match(granted, [
    { names: ['api.example.com'], tenant: 'main', seconds: 3_600, by: `telegram:${ann.id}` },
  ])
  t.throws(() => s.control.press({ chat: group, from: ann, text: '8h' }), 'its buttons are gone')
})
