import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { createDice, type Dice } from '../../support/chaos/dice.ts'
import { repetitions } from '../../support/soak.ts'
import { ann, annsChat, startBot } from './fixture.ts'

const file = { file_id: 'AgAC-id', file_unique_id: 'unique', file_size: 3 }
const message = {
  ...{ message_id: 5, date: 1_796_000_000, chat: annsChat, from: ann },
  ...{ message_thread_id: 3, is_topic_message: true, media_group_id: 'album' },
  ...{ text: '/status', caption: 'write it', entities: [{ type: 'bold', offset: 0, length: 2 }] },
  document: { ...file, file_name: 'a.txt', mime_type: 'text/plain' },
  photo: [{ ...file, width: 90, height: 90 }],
  voice: { ...file, duration: 1 },
  reply_to_message: { message_id: 4, date: 1, chat: annsChat, from: ann, text: 'before' },
  quote: { text: 'bef', position: 0 },
}
const press = { id: '77', from: ann, data: 'set:model:opus', message, chat_instance: '1' }

const values = [
  ...[null, '', 0, -1, 1e308, true, [], {}, [[]], 'x'.repeat(20_000), '\u0000\u001b[2J', '\ud800'],
  ...['__proto__', '../../etc/passwd', `${ann.id}`, { __proto__: { id: ann.id } }, 2 ** 53],
]

/** Replaces or removes one part of an update, at any depth. */
function mutated(dice: Dice, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || dice.between(0, 6) === 0) {
    return dice.pick(values)
  }
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  const keys = Object.keys(copy)
  if (keys.length === 0) return dice.pick(values)
  const key = dice.pick(keys)
  if (dice.between(0, 5) === 0) delete copy[key]
  else copy[key] = mutated(dice, copy[key])
  return copy
}

t.test('an update of any form is acknowledged, and the bot answers the next one', async t => {
  const dice = createDice(t)
  const s = await startBot(t)
  s.say('/start')
  t.ok(await s.answer(ann.id, /ready/))
  for (let count = 0; count < repetitions({ short: 300, full: 5_000 }); count++) {
    const { kind, content } = dice.pick([
      { kind: 'message', content: message },
      { kind: 'callback_query', content: press },
    ])
    const times = dice.between(1, 5)
    const hostile = Array.from({ length: times }).reduce(given => mutated(dice, given), content)
    s.control.raw(dice.pick([kind, kind, kind, 'message', 'edited_message']), hostile)
  }
  const last = s.say('/new')
  const patience = { every: 50, timeout: 300_000 }
  await until(() => s.control.updates().confirmed === last.update_id || null, patience)
  t.ok(await s.answer(ann.id, /begins a conversation/))
  await until(() => s.records.list('update').length === 0 || null, patience)
  const errors = s.events.filter(event => event.kind === 'error')
  t.same(errors, [])
})
