import t from 'tap'
import { openInbox } from '../../../../src/telegram/updates/inbox.ts'
import { createMemoryRecords } from '../../../../src/tenants/store/records.ts'

const message = (update_id: number, chat = 7) => ({
  update_id,
  message: { message_id: 1, chat: { id: chat, type: 'private' }, text: 'x' },
})

t.test('updates are kept until they are handled, and acknowledged when they are kept', async t => {
  const records = createMemoryRecords()
  const inbox = openInbox(records)
  t.equal(inbox.offset(), null)
  t.same(inbox.keep([message(10), message(11, 8)]), [
    { id: 10, chat: 7 },
    { id: 11, chat: 8 },
  ])
  t.equal(inbox.offset(), 12)
  t.same(inbox.keep([message(11, 8)]), [], 'what Telegram sends again is known')
  inbox.remove(10)
  const next = openInbox(records)
  t.same(next.waiting(), [{ id: 11, chat: 8 }])
  t.match(next.read(11), { kind: 'message', message: { text: 'x' } })
  t.match(next.read(10), { kind: 'other' })
  t.equal(next.offset(), 12)
})

t.test('what the bot does not read is acknowledged, and not kept', async t => {
  const inbox = openInbox(createMemoryRecords())
  const updates = [
    { update_id: 1, channel_post: {} },
    { update_id: 2, edited_message: message(2).message },
    { update_id: 3, message: { message_id: 'hostile' } },
    { no: 'update' },
    null,
  ]
  t.same(inbox.keep(updates), [])
  t.equal(inbox.offset(), 4)
  t.equal(inbox.count(), 0)
})

t.test('after a week the ids begin anew, and an old one acknowledges nothing', async t => {
  const records = createMemoryRecords()
  let now = Date.parse('2026-11-01T00:00:00Z')
  const inbox = openInbox(records, () => now)
  inbox.keep([message(500_000)])
  now += 5 * 86_400_000
  t.equal(inbox.offset(), 500_001)
  now += 2 * 86_400_000
  t.equal(inbox.offset(), null)
  inbox.keep([message(3)])
  t.equal(inbox.offset(), 4)
})
