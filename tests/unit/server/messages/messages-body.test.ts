import t from 'tap'
import {
  chatToolsOf,
  messageSchemaOf,
  parseMessagesBody,
} from '../../../../src/server/messages/messages-body.ts'

const messages = [{ role: 'user', content: 'hello' }]
const bodyOf = (more: object) => parseMessagesBody({ messages, ...more }, { strict: false }).body

t.test('members that change nothing are taken, and unknown ones are named', async t => {
  const { unknown } = parseMessagesBody(
    {
      ...{ model: 'haiku', max_tokens: 1024, messages, temperature: 1, top_p: 1, top_k: 5 },
      ...{ stop_sequences: ['x'], service_tier: 'auto', metadata: { user_id: 'u' }, speed: null },
      ...{ thinking: { type: 'enabled', budget_tokens: 1024 }, mcp_servers: [], container: null },
      ...{ cache_control: { type: 'ephemeral' }, unheard: 1 },
    },
    { strict: false },
  )
  t.same(unknown, ['unheard'])
  t.throws(() => parseMessagesBody({ messages, unheard: 1 }, { strict: true }), {
    message: /unheard/,
  })
})

t.test('a user is text, and anything else names none', async t => {
  t.equal(bodyOf({ metadata: { user_id: 'ann' } }).metadata?.user_id, 'ann')
  t.equal(bodyOf({ metadata: { user_id: 7 } }).metadata?.user_id, null)
  t.equal(bodyOf({ metadata: 'ann' }).metadata, null)
})

t.test('what cannot be served is refused, with the member', async t => {
  const user = (block: object) => ({ messages: [{ role: 'user', content: [block] }] })
  for (const [body, param] of [
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'tool', content: 'x' }] }, 'messages.0.role'],
    [{ mcp_servers: [{ type: 'url', url: 'https://example.org' }] }, 'mcp_servers.0'],
    [{ container: 'c' }, 'container'],
    [{ thread: { type: 'create' } }, 'thread'],
    [{ output_config: { effort: 'huge' } }, 'output_config.effort'],
    [user({ type: 'image', source: { type: 'file', file_id: 'f' } }), 'messages.0.content'],
    [user({ type: 'container_upload', file_id: 'f' }), 'messages.0.content'],
    [user({ type: 'document', source: { type: 'url', url: 'https://a/b.pdf' } }), ''],
  ] as const) {
    try {
      bodyOf(body)
      t.fail(JSON.stringify(body))
    } catch (error) {
      t.match(error, { status: 400, more: { param: new RegExp(`^${param}`) } })
    }
  }
})

t.test('tools with a schema are the client’s; those of Anthropic are refused', async t => {
  const add = { name: 'add', description: 'adds', input_schema: { type: 'object' }, strict: true }
  const { tools, tool_choice } = chatToolsOf(bodyOf({ tools: [add], tool_choice: { type: 'any' } }))
  t.same(tools, [
    {
      type: 'function',
      function: { name: 'add', description: 'adds', parameters: { type: 'object' } },
    },
  ])
  t.equal(tool_choice, 'required')
  const named = chatToolsOf(bodyOf({ tool_choice: { type: 'tool', name: 'add' } }))
  t.same(named.tool_choice, { type: 'function', function: { name: 'add' } })
  t.equal(chatToolsOf(bodyOf({ tool_choice: { type: 'none' } })).tool_choice, 'none')
  t.equal(chatToolsOf(bodyOf({})).tool_choice, undefined)
  const search = { type: 'web_search_20250305', name: 'web_search' }
  t.throws(() => chatToolsOf(bodyOf({ tools: [add, search] })), {
    message: /^tools\.1 is not supported/,
  })
})

t.test('a schema is in output_config, or where it was before', async t => {
  const format = { type: 'json_schema', schema: { type: 'object' } }
  t.same(messageSchemaOf(bodyOf({ output_config: { format } })), { type: 'object' })
  t.same(messageSchemaOf(bodyOf({ output_format: format })), { type: 'object' })
  t.equal(messageSchemaOf(bodyOf({ output_config: { effort: 'low' } })), undefined)
  const list = { ...format, schema: { type: 'array' } }
  t.throws(() => messageSchemaOf(bodyOf({ output_format: list })), { message: /must be an object/ })
})
