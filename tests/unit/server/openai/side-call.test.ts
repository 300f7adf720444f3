import t from 'tap'
import { ChatBody } from '../../../../src/server/openai/chat-body.ts'
import { isSideCall } from '../../../../src/server/openai/side-call.ts'
import { createSideUsage } from '../../../../src/server/openai/side-usage.ts'

const isSide = (content: unknown, more: object = {}) =>
  isSideCall(ChatBody.parse({ messages: [{ role: 'user', content }], ...more }))

t.test('the small requests of chat interfaces are known by their prompts', async t => {
  for (const prompt of [
    '### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.',
    '### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history',
    '### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might ask',
    '### Task:\nAnalyze the chat history to determine the necessity of generating search queries',
    '### Task:\nYou are an autocompletion system. Continue the text in `<text>`',
    'Please generate a concise, 5-word-or-less title for the conversation, using its same language',
    'Provide a concise, 5-word-or-less title for the conversation, using title case conventions.',
    'Analyze this conversation and provide:\n1. The detected language of the conversation',
    "Hey how's it going?",
    [{ type: 'text', text: 'test from litellm' }],
  ]) {
    t.ok(isSide(prompt), JSON.stringify(prompt))
  }
})

t.test('what a person asks is not one of them', async t => {
  for (const prompt of [
    'Write a title for my blog and save it in title.txt',
    '### Task:\nFix the failing test',
    "Hey how's it going? Please fix the build.",
    'hello',
  ]) {
    t.notOk(isSide(prompt), prompt)
  }
  const title = '### Task:\nGenerate a concise, 3-5 word title'
  const tools = [{ type: 'function', function: { name: 'f' } }]
  t.notOk(isSide(title, { tools }))
  const messages = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b' },
    { role: 'user', content: title },
  ]
  t.notOk(isSideCall(ChatBody.parse({ messages })), 'not in a conversation')
})

t.test('a request for very few tokens is one', async t => {
  t.ok(isSide('hello', { max_tokens: 64 }))
  t.ok(isSide('hello', { max_completion_tokens: 1 }))
  t.notOk(isSide('hello', { max_tokens: 65 }))
})

t.test('side calls are counted by token and day', async t => {
  let now = new Date('2026-11-29T23:59:00Z')
  const usage = createSideUsage(() => now)
  usage.add('a', 0.5)
  usage.add('a', null)
  t.same(usage.of('a'), { runs: 2, usd: 0.5 })
  t.same(usage.of('b'), { runs: 0, usd: 0 })
  now = new Date('2026-11-30T00:00:00Z')
  t.same(usage.of('a'), { runs: 0, usd: 0 })
})
