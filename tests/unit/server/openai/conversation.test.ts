import t from 'tap'
import { ChatMessage } from '../../../../src/server/openai/chat-body.ts'
import { readConversation } from '../../../../src/server/openai/conversation.ts'

const read = (...messages: object[]) =>
  readConversation(messages.map(message => ChatMessage.parse(message)))
const user = (content: unknown) => ({ role: 'user', content })
const said = (content: unknown) => ({ role: 'assistant', content })

t.test('one message is the prompt as it is, also a command of Claude Code', async t => {
  t.match(read(user('/compact')), { whole: '/compact', latest: '/compact', past: null })
  t.match(read(user([{ type: 'text', text: 'a' }])), { whole: 'a' })
})

t.test('the past of the next request is known from the answer', async t => {
  const system = { role: 'system', content: 's' }
  const first = read(system, user('a'))
  const next = read(system, user('a'), said('b'), user('c'))
  t.equal(next.past, first.pastWith('\nb '))
  t.equal(next.latest, 'c')
  t.match(next.whole, /<user>\na\n<\/user>\n<assistant>\nb\n<\/assistant>\n<\/conversation>/)
  for (const other of [
    read(system, user('x'), said('b'), user('c')),
    read(system, user('a'), said('x'), user('c')),
    read({ role: 'system', content: 'x' }, user('a'), said('b'), user('c')),
    read(user('a'), said('b'), user('c')),
  ]) {
    t.not(other.past, next.past)
  }
})

t.test('a conversation that ends with the assistant asks for its next message', async t => {
  const { whole, latest } = read(user('a'), said('b'))
  t.match(whole, /Write the next message of the assistant/)
  t.same(latest, [])
})

t.test('an image of an earlier message stays at its place', async t => {
  const url = 'data:image/png;base64,AAAA'
  const { whole } = read(user([{ type: 'image_url', image_url: { url } }]), said('b'), user('c'))
  t.match(whole, [{ text: /<user>$/ }, { type: 'image' }, { text: /^<\/user>\n.*\nc$/s }])
})

t.test('a conversation without a word of the user is refused', async t => {
  for (const messages of [
    [said('a')],
    [user(null)],
    [user([])],
    [{ role: 'system', content: 'x' }],
  ]) {
    t.throws(() => read(...messages), { status: 400, message: 'no user message provided' })
  }
})
