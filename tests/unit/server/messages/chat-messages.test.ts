import t from 'tap'
import { chatMessagesOf } from '../../../../src/server/messages/chat-messages.ts'
import { parseMessagesBody } from '../../../../src/server/messages/messages-body.ts'
import { readToolResults } from '../../../../src/server/openai/chat-tools.ts'
import { readConversation } from '../../../../src/server/openai/conversation.ts'

const text = (text: string) => ({ type: 'text', text })
const image = { type: 'base64', media_type: 'image/png', data: 'aW1n' }
const messagesOf = (body: object) => chatMessagesOf(parseMessagesBody(body, { strict: true }).body)

t.test('the system prompt is text or blocks, and a message can add to it', async t => {
  for (const system of ['be brief', [{ ...text('be brief'), cache_control: {} }]]) {
    const messages = messagesOf({
      system,
      messages: [
        { role: 'user', content: 'hello' },
        { role: 'system', content: 'and kind' },
      ],
    })
    const { systemPrompt, whole } = readConversation(messages)
    t.equal(systemPrompt, 'be brief\n\nand kind')
    t.equal(whole, 'hello')
  }
})

t.test('texts, images and documents are parts of the prompt; thoughts are left out', async t => {
  const pdf = { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' }
  const messages = messagesOf({
    messages: [
      {
        role: 'user',
        content: [
          text('look'),
          { type: 'image', source: image },
          { type: 'document', title: 'a.pdf', source: pdf },
          {
            type: 'document',
            title: 'notes',
            context: 'of today',
            source: { type: 'text', media_type: 'text/plain', data: 'a note' },
          },
          { type: 'document', source: { type: 'content', content: [text('a part')] } },
          { type: 'search_result', source: 'doc', title: 'A page', content: [text('found')] },
          { type: 'thinking', thinking: 'hm', signature: 's' },
        ],
      },
    ],
  })
  t.same(readConversation(messages).whole, [
    { type: 'text', text: 'look' },
    { type: 'image', source: image },
    { type: 'document', source: pdf, title: 'a.pdf' },
    ...['notes\nof today:', 'a note', 'a part', 'A page (doc):', 'found'].map(text),
  ])
})

t.test(
  'results are of the calls before them, with their failures and what the user adds',
  async t => {
    const messages = messagesOf({
      messages: [
        { role: 'user', content: 'add' },
        {
          role: 'assistant',
          content: [
            { type: 'redacted_thinking', data: 'x' },
            text('I add.'),
            { type: 'tool_use', id: 'toolu_1', name: 'add', input: { a: 1 } },
            { type: 'tool_use', id: 'toolu_2', name: 'draw', input: {} },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'toolu_1',
              content: 'no such number',
              is_error: true,
            },
            {
              type: 'tool_result',
              tool_use_id: 'toolu_2',
              content: [text('drawn'), { type: 'image', source: image }],
            },
            text('and hurry'),
          ],
        },
      ],
    })
    t.same(readToolResults(messages), [
      { id: 'toolu_1', isError: true, content: [text('no such number')] },
      {
        ...{ id: 'toolu_2', isError: false },
        content: [
          text('drawn'),
          { type: 'image', mimeType: 'image/png', data: 'aW1n' },
          text('The user says:'),
          text('and hurry'),
        ],
      },
    ])
    const { whole } = readConversation(messages)
    t.match(JSON.stringify(whole), /I add\.\\n\[called the tool add with {\\\\*"a\\\\*":1}\]/)
  },
)

t.test('a result without content, and an answer of calls alone, keep their place', async t => {
  const messages = messagesOf({
    messages: [
      { role: 'user', content: 'go' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'go', input: null }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a' }] },
    ],
  })
  t.match(messages, [
    { role: 'user' },
    { role: 'assistant', content: [], tool_calls: [{ id: 'a', function: { arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'a' },
  ])
  t.same(readToolResults(messages), [{ id: 'a', content: [], isError: false }])
})
