import t from 'tap'
import { openSessions } from '../../../../src/telegram/chats/sessions.ts'
import { createMemoryRecords } from '../../../../src/tenants/store/records.ts'

const id = '00000000-0000-4000-8000-000000000001'
const chat = { chat: 7, topic: null }
const topic = { chat: 7, topic: 3 }

t.test('a chat and each of its topics go on with a conversation of their own', async t => {
  const records = createMemoryRecords()
  const sessions = openSessions(records)
  t.same(sessions.next(chat, true), { kind: 'continue' }, 'the last one of the workspace')
  t.same(sessions.next(topic, true), { kind: 'fresh' }, 'which can be that of another topic')
  sessions.note(chat, id)
  t.same(openSessions(records).next(chat, true), { kind: 'resume', id }, 'over a restart')
  t.same(sessions.next(topic, true), { kind: 'fresh' })
  t.same(sessions.next(chat, false), { kind: 'fresh' }, 'without continue')
  sessions.reset(chat)
  t.same(sessions.next(chat, true), { kind: 'fresh' }, 'after /new')
})
