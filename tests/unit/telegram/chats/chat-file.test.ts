import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openChatFile } from '../../../../src/telegram/chats/chat-file.ts'
import type { ServerEvent } from '../../../../src/tenants/server-log.ts'

function open(t: Test, text: string, people: number | null = null) {
  const path = join(t.testdir({ 'telegram.yml': text }), 'telegram.yml')
  const events: ServerEvent[] = []
  let now = 0
  const file = openChatFile({
    ...{ path, people, log: event => void events.push(event) },
    now: () => (now += 1_000),
  })
  return { file, events, path, write: (next: string) => writeFileSync(path, next) }
}

t.test('a changed file is taken with the next look, and a broken one is not', async t => {
  const s = open(t, 'allowed_chats: [1, 2]')
  t.same(s.file.current().allowed_chats, [1, 2])
  s.write('allowed_chats: [1]')
  t.same(s.file.current().allowed_chats, [1], 'the other one is shut out at once')
  s.write('allowed_chats: [1')
  t.same(s.file.current().allowed_chats, [1])
  t.match(s.events.at(-1), { kind: 'error', message: /^kept the earlier chats: .* line 1/ })
  t.match(s.file.reload(), /line 1/)
  s.write('allowed_chats: [3]')
  t.equal(s.file.reload(), null)
  t.same(s.file.current().allowed_chats, [3])
})

t.test('a broken file, and a model that is an option, stop the start', async t => {
  t.throws(() => open(t, 'allowed_chat: [1]'), { message: /line 1: allowed_chat is not a key/ })
  t.throws(() => open(t, 'default: { model: "--settings={}" }'), {
    message: /default: model must be the name of a model/,
  })
  t.throws(() => open(t, 'chats: { 5: { effort: huge } }'), { message: /5: effort/ })
  t.throws(() => openChatFile({ path: '/nonexistent/telegram.yml', log: () => {} }), {
    message: /missing/,
  })
})

t.test('no more people are admitted than the credential allows, also later', async t => {
  const s = open(t, 'allowed_chats: [1]', 1)
  s.write('allowed_chats: [1, 2]')
  t.match(s.file.reload(), /admits 2 people, and the terms of CLAUDE_CODE_OAUTH_TOKEN allow 1/)
  t.same(s.file.current().allowed_chats, [1])
})
