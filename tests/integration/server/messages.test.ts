import Anthropic from '@anthropic-ai/sdk'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

type Options = Parameters<typeof startRunning>[1]

async function start(t: import('tap').Test, options: Options = {}) {
  const running = await startRunning(t, options)
  const { ask, port, events } = running
  const baseURL = `http://127.0.0.1:${port}`
  const started = () => events.filter(({ kind }) => kind === 'run-started').length
  return {
    ...running,
    started,
    client: (options: ConstructorParameters<typeof Anthropic>[0] = { apiKey: token }) =>
      new Anthropic({ baseURL, maxRetries: 0, ...options }),
    say: (body: object, headers: Record<string, string> = {}, bearer: string | null = token) =>
      ask('/v1/messages', { method: 'POST', body: { ...asking, ...body }, headers, bearer }),
    /** Returns Claude Code's own result of an answer's run. */
    resultOf: async (runId: unknown) => (await ask(`/run/result?runId=${runId}`)).body,
  }
}

const user = (content: string) => [{ role: 'user' as const, content }]
const asking = { model: 'haiku', max_tokens: 1_000 }
const tool = (name: string): Anthropic.Tool => ({
  ...{ name, description: 'of the client', input_schema: { type: 'object' } },
})
const tools = [tool('add'), tool('weather')]
const callBoth = user('call [["add",{"a":1,"b":2}],["weather",{"city":"Oslo"}]]')

t.test('the official client gets a message, and streams one piece by piece', async t => {
  const { client } = await start(t)
  const anthropic = client()
  const message = await anthropic.messages.create({
    ...{ ...asking, model: 'anthropic/haiku', messages: user('write Hello wide world') },
  })
  t.match(message, {
    ...{ id: /^msg_[0-9a-f]{32}$/, type: 'message', role: 'assistant', model: 'haiku' },
    content: [{ type: 'text', text: 'Hello wide world' }],
    ...{ stop_reason: 'end_turn', stop_sequence: null },
    usage: {
      ...{ input_tokens: 3, cache_creation_input_tokens: 20, cache_read_input_tokens: 100 },
      output_tokens: 7,
    },
  })
  const events = []
  const raw = await anthropic.messages.create({
    ...{ ...asking, messages: user('write Hello wide world'), stream: true as const },
  })
  for await (const event of raw) events.push(event)
  t.same(
    events.map(({ type }) => type),
    [
      ...['message_start', 'content_block_start', 'content_block_delta', 'content_block_delta'],
      ...['content_block_delta', 'content_block_stop', 'message_delta', 'message_stop'],
    ],
  )
  const stream = anthropic.messages.stream({ ...asking, messages: user('write Two | texts') })
  const pieces: string[] = []
  stream.on('text', piece => pieces.push(piece))
  const final = await stream.finalMessage()
  t.equal(await stream.finalText(), 'Two\n\ntexts')
  t.ok(pieces.length > 1)
  t.match(final, { stop_reason: 'end_turn', usage: { input_tokens: 3, output_tokens: 7 } })
})

t.test('a bearer token does as well as a key, and models have the form of the API', async t => {
  const { client, ask } = await start(t)
  for (const anthropic of [client(), client({ apiKey: null, authToken: token })]) {
    const models = await anthropic.models.list()
    t.match(models.data[0], { type: 'model', id: 'haiku', display_name: 'haiku' })
    t.notOk(models.hasNextPage())
    t.match(await anthropic.models.retrieve('claude-opus-4-8'), { id: 'claude-opus-4-8' })
  }
  t.match((await ask('/v1/models')).body, { object: 'list' }, 'OpenAI’s clients get theirs')
  const wrong = client({ apiKey: 'no' })
  await t.rejects(wrong.messages.create({ ...asking, messages: user('x') }), {
    ...{ message: /^401/, type: 'authentication_error' },
  })
  await t.rejects(Promise.resolve(wrong.models.list()), {
    ...{ message: /^401/, type: 'authentication_error' },
  })
})

t.test('calls go out as blocks, results come in, and one run answers', async t => {
  const { client, started } = await start(t)
  const anthropic = client()
  const first = await anthropic.messages.create({ ...asking, messages: callBoth, tools })
  t.match(first, {
    stop_reason: 'tool_use',
    content: [
      { type: 'tool_use', id: /^toolu_/, name: 'add', input: { a: 1, b: 2 } },
      { type: 'tool_use', id: /^toolu_/, name: 'weather', input: { city: 'Oslo' } },
    ],
    usage: { output_tokens: 2 },
  })
  const results = (message: Anthropic.Message) =>
    message.content.flatMap(block => {
      if (block.type !== 'tool_use') return []
      const content = block.name === 'add' ? '3' : [{ type: 'text' as const, text: 'rain' }]
      return [{ type: 'tool_result' as const, tool_use_id: block.id, content }]
    })
  const answered = (message: Anthropic.Message): Anthropic.MessageParam[] => [
    ...callBoth,
    { role: 'assistant', content: message.content },
    { role: 'user', content: results(message) },
  ]
  const second = await anthropic.messages.create({ ...asking, tools, messages: answered(first) })
  t.match(second, { stop_reason: 'end_turn', content: [{ text: '3, rain' }] })
  t.match(second.usage, { output_tokens: 5 }, 'nothing is counted twice')
  t.not(second.id, first.id)
  t.equal(started(), 1)

  const stream = anthropic.messages.stream({ ...asking, messages: callBoth, tools })
  const blocks: string[] = []
  stream.on('streamEvent', event => {
    if (event.type === 'content_block_start') blocks.push(`${event.index} begins`)
    if (event.type === 'content_block_stop') blocks.push(`${event.index} ends`)
  })
  const streamed = await stream.finalMessage()
  t.same(blocks, ['0 begins', '0 ends', '1 begins', '1 ends'])
  t.match(streamed.content, [{ input: { a: 1, b: 2 } }, { input: { city: 'Oslo' } }])
  const last = anthropic.messages.stream({ ...asking, tools, messages: answered(streamed) })
  t.equal(await last.finalText(), '3, rain')
  t.equal(started(), 2)
})

t.test('the official helper runs the tools of the client, with a failure among them', async t => {
  const { client, started } = await start(t)
  const given: unknown[] = []
  const runTool = (name: string, run: (input: unknown) => string) => ({
    ...{ type: 'custom' as const, name, description: 'of the client' },
    input_schema: { type: 'object' as const, properties: {} },
    parse: (input: unknown) => input,
    run,
  })
  const final = await client().beta.messages.toolRunner({
    ...{ ...asking, messages: callBoth },
    tools: [
      runTool('add', input => {
        given.push(input)
        return '3'
      }),
      runTool('weather', () => {
        throw new Error('no window')
      }),
    ],
  })
  t.same(given, [{ a: 1, b: 2 }])
  t.match(final.content, [{ type: 'text', text: /^3, .*no window/ }])
  t.equal(started(), 1)
})

t.test('system, effort, a schema and images reach the run', async t => {
  const { client, say, resultOf } = await start(t)
  const data = Buffer.from('an image').toString('base64')
  const { data: _, response } = await client()
    .messages.create({
      ...{ ...asking, system: [{ type: 'text', text: 'be brief' }] },
      output_config: { effort: 'low' },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'look' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
          ],
        },
      ],
    })
    .withResponse()
  const result = await resultOf(response.headers.get('x-claude-run-id'))
  t.match(result, { initialized: { systemPrompt: 'be brief' } })
  t.match(result.content, [{ text: 'look' }, { type: 'image', source: { data } }])
  t.ok(result.argv.includes('--effort=low'))
  const format = { type: 'json_schema', schema: { type: 'object' } }
  const shaped = { messages: user('structured {"n":1}'), output_config: { format } }
  t.match((await say(shaped)).body, { content: [{ text: '{"n":1}' }] })
  const { text } = await say({ ...shaped, stream: true })
  t.equal(text.match(/^event: content_block_delta$/gm)?.length, 1, 'in one piece')
  const ignored = await say({ messages: user('x'), unheard: 1 })
  t.equal(ignored.headers['x-ignored-fields'], 'unheard')
})

t.test('every error has Anthropic’s form and its own status', async t => {
  const { say, ask, client } = await start(t, {
    tokens: [storedToken('default', token), storedToken('other', 'cs_other', { modes: ['api'] })],
  })
  const error = (type: string, message = /./) => ({ type: 'error', error: { type, message } })
  t.match(await say({}, {}, null), { status: 401, body: error('authentication_error') })
  t.match(await say({}, {}, 'cs_other'), { status: 403, body: error('permission_error') })
  t.match(await say({ messages: user('x'), model: 'gpt-5' }), {
    ...{ status: 404, body: error('not_found_error', /gpt-5/) },
  })
  t.match(await say({ messages: user('x') }, { 'x-claude-workspace': 'absent' }), {
    ...{ status: 404, body: error('not_found_error', /absent/) },
  })
  t.match(await say({}), { status: 400, body: error('invalid_request_error', /messages/) })
  t.match(await ask('/v1/messages'), { status: 405, body: error('invalid_request_error') })
  t.match(await ask('/v1/messages/batches'), { status: 404, body: error('not_found_error') })
  await t.rejects(client().messages.countTokens({ model: 'haiku', messages: user('x') }), {
    ...{ status: 404, message: /cannot be counted/ },
  })
  for (const [given, status, type] of [
    [400, 400, 'invalid_request_error'],
    [401, 502, 'api_error'],
    [429, 429, 'rate_limit_error'],
    [529, 529, 'overloaded_error'],
  ] as const) {
    for (const stream of [true, false]) {
      t.match(
        await say({ messages: user(`api-error ${given}`), stream }),
        { status, headers: { 'x-should-retry': 'false' }, body: error(type) },
        `${given} of the model`,
      )
    }
  }
})

t.test('a failure after the stream began is an error event, and the end', async t => {
  const { client } = await start(t)
  const stream = client().messages.stream({ ...asking, messages: user('cut') })
  const pieces: string[] = []
  stream.on('text', piece => pieces.push(piece))
  await t.rejects(stream.finalMessage(), { message: /529/, type: 'overloaded_error' })
  t.equal(pieces.join(''), 'one two')
})

t.test('a stream has pings, and a client that leaves cancels the run', async t => {
  const { client, open, events } = await start(t, { limits: { keepAliveMilliseconds: 20 } })
  const body = { ...asking, messages: user('begin Now'), stream: true }
  const answer = await open('/openai/v1/messages', { method: 'POST', body })
  let text = ''
  for await (const piece of answer) {
    text += piece
    if (/Now/.test(text) && /event: ping\ndata: {"type":"ping"}\n\n/.test(text)) break
  }
  t.match(text, /event: message_start\n/)
  const ended = () => events.filter(({ kind }) => kind === 'run-ended')
  const cancelled = (count: number) =>
    until(() => ended().length === count || null, { every: 10, timeout: 60_000 })
  t.ok(await cancelled(1))
  const stream = client().messages.stream({ ...asking, messages: user('begin Now') })
  stream.on('text', () => stream.abort())
  await t.rejects(stream.done(), { name: 'APIUserAbortError' })
  t.ok(await cancelled(2))
  t.match(ended(), [{ status: 'cancelled' }, { status: 'cancelled' }])
})

t.test('a small request is a side call, and a repeated one starts no second run', async t => {
  const { say, started, resultOf } = await start(t)
  const small = await say({ messages: user('write hi'), max_tokens: 1 })
  const { workspace } = await resultOf(small.headers['x-claude-run-id'])
  t.match(workspace, /side-1$/)
  const again = (count: number) => ({ 'x-stainless-retry-count': String(count) })
  const first = await say({ messages: user('write hello') }, again(0))
  const second = await say({ messages: user('write hello') }, again(1))
  t.equal(second.headers['x-claude-run-id'], first.headers['x-claude-run-id'])
  t.equal(started(), 2)
})
