import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { repetitions } from '../../support/soak.ts'
import { person } from '../../support/telegram/bot-objects.ts'
import { startBot } from './fixture.ts'

/** Requests arrive later than they were sent: the buckets hold what a busy machine delays. */
const measured = {
  chat: { perSecond: 1, capacity: 4 },
  group: { perSecond: 20 / 60, capacity: 22 },
  all: { perSecond: 30, capacity: 90 },
}

const people = Array.from({ length: 100 }, (_, index) => person(1_000 + index, `P${index}`))
const yaml = `allowed_chats: [${people.map(({ chat }) => chat.id).join()}]`
const patience = { every: 50, timeout: 300_000 }

t.test('100 chats at once get each its answers, within the limits of Telegram', async t => {
  const s = await startBot(t, {
    ...{ yaml, limits: {}, standIn: { limits: measured } },
    server: { runner: { runs: 8 } },
  })
  const prompts = repetitions({ short: 12, full: 100 })
  const sent = people.flatMap(({ user, chat }, index) => {
    const texts = [index < prompts ? `write answer ${index}` : '/start', '/new']
    return texts.map(text => {
      const { message_id: id } = s.control.send({ chat, from: user, text })
      return { chat: chat.id, id, text }
    })
  })
  /** The answers to a message, without its progress. */
  const answers = ({ chat, id }: { chat: number; id: number }) =>
    s.control
      .messages(chat)
      .filter(({ reply_to_message: asked }) => asked?.message_id === id)
      .map(({ text = '' }) => text)
      .filter(text => !/^(working|waiting)/.test(text))
  await until(() => sent.every(one => answers(one).length > 0) || null, patience)
  for (const one of sent) t.equal(answers(one).length, 1, `${one.chat}: ${one.text}`)
  for (const [index, { chat }] of people.slice(0, prompts).entries()) {
    t.ok(s.texts(chat.id).includes(`answer ${index}`), 'no chat gets the answer of another one')
  }
  t.same(s.control.rates().excesses, [])
  t.ok(s.control.rates().peaks.all > 10, 'the limits were reached')
})

t.test('a flood in one chat does not hold up the others', async t => {
  const s = await startBot(t, { yaml, limits: {}, standIn: { limits: measured } })
  const [flooding, ...others] = people
  if (!flooding) return
  for (let count = 0; count < 8; count++) {
    s.control.send({ chat: flooding.chat, from: flooding.user, text: '/start' })
  }
  for (const { chat, user } of others) s.control.send({ chat, from: user, text: '/start' })
  await until(() => s.texts(flooding.chat.id).length === 8 || null, patience)
  const order = s.control.calls({ method: 'sendMessage' }).map(({ chat }) => chat)
  const first = (chat: number) => order.indexOf(chat)
  const last = order.lastIndexOf(flooding.chat.id)
  t.same(
    others.filter(({ chat }) => first(chat.id) === -1 || first(chat.id) > last),
    [],
  )
  t.same(s.control.rates().excesses, [])
})

t.test('a group gets 20 messages a minute, and no more', async t => {
  const group = { id: -500, type: 'group' as const, title: 'Team' }
  const { user, chat } = person(1, 'P')
  const s = await startBot(t, {
    yaml: `allowed_chats: [-500, 1]\nallowed_users: [1]`,
    ...{ limits: { chat: 0 }, standIn: { limits: { ...measured, chat: measured.all } } },
  })
  for (let count = 0; count < 40; count++) {
    s.control.send({ chat: group, from: user, text: '/start' })
  }
  await until(() => s.texts(group.id).length >= 20 || null, patience)
  // Meanwhile a bot without the limit would send as many to the group.
  for (let count = 1; count <= 15; count++) {
    s.control.send({ chat, from: user, text: '/start' })
    await until(() => s.texts(chat.id).length === count || null, patience)
  }
  t.same(s.control.rates().excesses, [])
})
