import t from 'tap'
import { readChatHeaders, requestDigest } from '../../../../src/server/openai/chat-headers.ts'

type Request = Parameters<typeof readChatHeaders>[0]
const read = (headers: Record<string, string>) => readChatHeaders({ raw: { headers } } as Request)

t.test('headers are UTF-8, and empty ones are absent', async t => {
  const raw = Buffer.from('Schließe ab – jetzt').toString('latin1')
  t.equal(read({ 'x-claude-append-system-prompt': raw }).appendSystemPrompt, 'Schließe ab – jetzt')
  t.equal(read({ 'x-claude-workspace': 'caf\xe9' }).workspace, 'café', 'latin1 stays')
  t.match(read({ 'x-claude-workspace': ' ' }), { workspace: null, chatId: null, retries: null })
})

t.test('X-Claude-Continue has the words of claudebox', async t => {
  for (const word of ['1', 'true', 'YES']) {
    t.equal(read({ 'x-claude-continue': word }).continues, true, word)
  }
  for (const word of ['0', 'false', 'no', '']) {
    t.equal(read({ 'x-claude-continue': word }).continues, false, word)
  }
})

t.test('a repetition has the digest of its request, and nothing else has', async t => {
  type Owner = Parameters<typeof requestDigest>[0]
  const owner = (name: string, sha256 = '0') =>
    ({ tenant: { name: 'main' }, token: { name, sha256 } }) as Owner
  const digest = (headers: Record<string, string>, body: unknown, of = owner('a')) =>
    requestDigest(of, 'chat', read(headers), body)
  const first = digest({ 'x-stainless-retry-count': '0' }, { messages: [1] })
  t.equal(digest({ 'x-stainless-retry-count': '1' }, { messages: [1] }), first)
  t.equal(digest({ 'idempotency-key': 'k' }, { messages: [1] }), first)
  t.not(digest({}, { messages: [2] }), first)
  t.not(digest({}, { messages: [1] }, owner('b')), first)
  t.not(digest({}, { messages: [1] }, owner('a', '1')), first, 'a token of the same name')
  t.not(requestDigest(owner('a'), 'messages', read({}), { messages: [1] }), first)
  t.not(digest({ 'x-claude-workspace': 'a' }, { messages: [1] }), first)
  t.throws(() => read({ 'idempotency-key': 'k'.repeat(256) }), { message: /^Idempotency-Key must/ })
})
