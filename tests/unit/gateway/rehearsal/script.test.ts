import t from 'tap'
import { MessagesRequest } from '../../../../src/gateway/rehearsal/messages-api.ts'
import { rehearsalReply, schemaExample } from '../../../../src/gateway/rehearsal/script.ts'

const read = { name: 'Read' }
const user = (content: unknown) => ({ role: 'user', content })
const answer = (value: unknown) => {
  const reply = rehearsalReply(MessagesRequest.parse(value))
  if (reply.kind !== 'message') throw new Error('an error was not scripted')
  const [block] = reply.blocks
  return block?.type === 'text' ? [...block.deltas].join('') : block?.input
}

t.test('a file that the prompt names is read from the working directory', async t => {
  const ask = (prompt: string, more: object = {}) =>
    answer({ messages: [user(prompt)], tools: [read], ...more })
  const welcome = { file_path: '/workspace/welcome.txt' }
  t.strictSame(ask('Read welcome.txt and tell me what it says'), welcome)
  t.strictSame(ask('what is in ./welcome.txt?'), welcome)
  t.strictSame(ask('What says "/workspace/welcome.txt".'), welcome)
  t.strictSame(ask('open src/a-b/c_d.test.ts'), { file_path: '/workspace/src/a-b/c_d.test.ts' })
  t.strictSame(ask('read a.md', { system: 'x\n - Primary working directory: /srv/my repo\ny' }), {
    file_path: '/srv/my repo/a.md',
  })
})

t.test('the content of the file becomes the answer, without line numbers', async t => {
  const conversation = (result: object) => ({
    tools: [read],
    messages: [
      user([
        { type: 'text', text: '<system-reminder>see other.txt</system-reminder>' },
        { type: 'text', text: 'Read welcome.txt' },
      ]),
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'Read', input: {} }] },
      user([{ type: 'tool_result', tool_use_id: 't', ...result }]),
    ],
  })
  t.equal(
    answer(conversation({ content: '     1→Hello\n     2→12 there' })),
    'welcome.txt says:\n\nHello\n12 there',
  )
  t.equal(
    answer(conversation({ content: [{ type: 'text', text: '1\tHello\n<system-reminder>x' }] })),
    'welcome.txt says:\n\nHello',
  )
  t.equal(
    answer(conversation({ content: 'File does not exist.', is_error: true })),
    'I could not read welcome.txt: File does not exist.',
  )
})

t.test('any other prompt is answered with a hint that this is a rehearsal', async t => {
  for (const prompt of ['hello', 'fix the bug, e. g. now', 'mail me@example.com', '']) {
    const text = answer({ messages: [user(prompt)], tools: [read] })
    t.match(text, /rehearsal/, prompt)
    t.match(text, /ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN/)
  }
})

t.test('side queries get a fitting answer', async t => {
  t.equal(answer({ messages: [user('Title for: read a.txt')] }), 'Rehearsal')
  const schema = { type: 'object', properties: { title: { type: 'string' } } }
  const format = { type: 'json_schema', schema }
  t.equal(answer({ messages: [user('x')], output_config: { format } }), '{"title":"Rehearsal"}')
})

t.test('structured output goes through its tool, after the file was read', async t => {
  const schema = { type: 'object', properties: { text: { type: 'string' } } }
  const tools = [read, { name: 'StructuredOutput', input_schema: schema }]
  const done = (content: string) => user([{ type: 'tool_result', tool_use_id: 't', content }])
  t.strictSame(answer({ messages: [user('hello')], tools }), { text: 'Rehearsal' })
  t.equal(answer({ messages: [user('hello'), done('taken')], tools }), 'Rehearsal')
  const prompt = user('Read a.md')
  t.strictSame(answer({ messages: [prompt], tools }), { file_path: '/workspace/a.md' })
  t.strictSame(answer({ messages: [prompt, done('1\tHi')], tools }), { text: 'a.md says:\n\nHi' })
  t.equal(answer({ messages: [prompt, done('1\tHi'), done('taken')], tools }), 'Rehearsal')
})

t.test('an answer fits the requested schema', async t => {
  const schema = {
    type: 'object',
    properties: {
      title: { type: 'string' },
      isNew: { type: 'boolean' },
      count: { type: ['integer', 'null'] },
      tags: { type: 'array', items: { type: 'string' } },
      kind: { enum: ['a', 'b'] },
      version: { const: 2 },
    },
  }
  t.strictSame(schemaExample(schema, 'Rehearsal'), {
    title: 'Rehearsal',
    isNew: false,
    count: 0,
    tags: [],
    kind: 'a',
    version: 2,
  })
})

t.test('no schema causes an error, not even an endless one', async t => {
  const endless: Record<string, unknown> = { type: 'object' }
  endless.properties = { self: endless }
  t.ok(JSON.stringify(schemaExample(endless, 'x')))
  for (const schema of [null, 1, 'x', [], {}, { type: 'strange' }]) {
    t.equal(schemaExample(schema, 'x'), null)
  }
})
