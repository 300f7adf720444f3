import OpenAI5 from 'openai-5'
import OpenAI6 from 'openai-6'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

type Options = Parameters<typeof startRunning>[1]

async function start(t: import('tap').Test, options: Options = {}) {
  const running = await startRunning(t, options)
  const { ask, port } = running
  const baseURL = `http://127.0.0.1:${port}/openai/v1`
  return {
    ...running,
    client: (Client: typeof OpenAI6 | typeof OpenAI5 = OpenAI6, apiKey = token) =>
      new Client({ apiKey, baseURL, maxRetries: 0 }) as OpenAI6,
    respond: (body: object, headers: Record<string, string> = {}, bearer = token) =>
      ask('/v1/responses', { method: 'POST', body: { model: 'haiku', ...body }, headers, bearer }),
    /** Returns Claude Code's own result of an answer's run. */
    resultOf: async (answer: { headers: Record<string, unknown> }) =>
      (await ask(`/run/result?runId=${answer.headers['x-claude-run-id']}`)).body,
  }
}

const tool = (name: string) => ({
  ...{ type: 'function' as const, name, description: 'of the client', strict: null },
  parameters: { type: 'object', properties: {} },
})
const tools = [tool('add'), tool('weather')]
const callBoth = 'call [["add",{"a":1,"b":2}],["weather",{"city":"Oslo"}]]'

for (const Client of [OpenAI6, OpenAI5]) {
  t.test('the official client gets a response, streams one, and goes on with it', async t => {
    const openai = (await start(t)).client(Client)
    const input = 'write Hello wide world'
    const first = await openai.responses.create({ model: 'openai/haiku', input })
    t.match(first, {
      ...{ id: /^resp_[0-9a-f]{32}$/, object: 'response', status: 'completed', model: 'haiku' },
      output_text: 'Hello wide world',
      output: [{ type: 'message', role: 'assistant', status: 'completed' }],
      usage: {
        ...{ input_tokens: 123, output_tokens: 7, total_tokens: 130 },
        input_tokens_details: { cached_tokens: 100 },
      },
    })
    t.match(await openai.responses.retrieve(first.id), { id: first.id, status: 'completed' })

    const stream = await openai.responses.create({
      ...{ model: 'haiku', input, stream: true, instructions: 'be brief' },
    })
    const events: OpenAI6.Responses.ResponseStreamEvent[] = []
    for await (const event of stream) events.push(event)
    t.same(
      events.map(event => event.sequence_number),
      events.map((_, index) => index),
    )
    const kinds = events.map(({ type }) => type)
    t.same(
      kinds.filter((type, index) => type !== kinds[index - 1]),
      [
        ...['response.created', 'response.in_progress', 'response.output_item.added'],
        ...['response.content_part.added', 'response.output_text.delta'],
        ...['response.output_text.done', 'response.content_part.done'],
        ...['response.output_item.done', 'response.completed'],
      ],
    )
    const deltas = events.flatMap(event =>
      event.type === 'response.output_text.delta' ? [event.delta] : [],
    )
    t.equal(deltas.join(''), 'Hello wide world')
    t.ok(deltas.length > 1, 'the text comes piece by piece')

    const helper = openai.responses.stream({
      ...{ model: 'haiku', input: 'next', previous_response_id: first.id },
    })
    const final = await helper.finalResponse()
    t.equal(final.previous_response_id, first.id)
    t.match(
      JSON.stringify(final.output),
      /<user>\\nwrite Hello wide world\\n<\/user>\\n<assistant>\\nHello wide world\\n<\/assistant>/,
    )
    await openai.responses.delete(first.id)
    await t.rejects(Promise.resolve(openai.responses.retrieve(first.id)), { message: /404/ })
  })
}

t.test('calls go out as items, their outputs come in, and one run answers', async t => {
  const { client, events } = await start(t)
  const openai = client()
  const first = await openai.responses.create({ model: 'haiku', input: callBoth, tools })
  const calls = first.output.flatMap(item => (item.type === 'function_call' ? [item] : []))
  t.match(calls, [
    { name: 'add', arguments: '{"a":1,"b":2}', call_id: /^toolu_/ },
    { name: 'weather', arguments: '{"city":"Oslo"}' },
  ])
  const second = await openai.responses.create({
    ...{ model: 'haiku', tools, previous_response_id: first.id },
    input: calls.map(({ call_id, name }) => ({
      ...{ type: 'function_call_output' as const, call_id, output: name === 'add' ? '3' : 'rain' },
    })),
  })
  t.equal(second.output_text, '3, rain')
  t.not(second.id, first.id)
  t.equal(events.filter(({ kind }) => kind === 'run-started').length, 1)

  const stream = openai.responses.stream({ model: 'haiku', input: callBoth, tools })
  const streamed = await stream.finalResponse()
  const outputs = streamed.output.flatMap(item => {
    if (item.type !== 'function_call') return []
    const { call_id } = item
    return [item, { type: 'function_call_output' as const, call_id, output: item.name }]
  })
  const last = await openai.responses.create({
    ...{ model: 'haiku', tools, store: false },
    input: [{ role: 'user', content: callBoth }, ...outputs],
  })
  t.equal(last.output_text, 'add, weather', 'the whole conversation goes on with its run too')
  t.equal(events.filter(({ kind }) => kind === 'run-started').length, 2)
  await t.rejects(Promise.resolve(openai.responses.retrieve(last.id)), { message: /404/ })
})

t.test('instructions, effort, a schema and images reach the run', async t => {
  const { respond, resultOf } = await start(t)
  const pixel = `data:image/png;base64,${Buffer.from('an image').toString('base64')}`
  const answer = await respond({
    ...{ instructions: 'be brief', reasoning: { effort: 'minimal' }, metadata: {}, unheard: 1 },
    input: [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'look' },
          { type: 'input_image', image_url: pixel, detail: 'auto' },
        ],
      },
    ],
  })
  t.equal(answer.status, 200, answer.text)
  t.equal(answer.headers['x-ignored-fields'], 'unheard')
  t.match((await resultOf(answer)).initialized ?? {}, { systemPrompt: 'be brief' })
  const schema = { type: 'object', properties: { n: { type: 'number' } } }
  const format = { type: 'json_schema', name: 'n', schema }
  const shaped = await respond({ input: 'structured {"n":1}', text: { format } })
  t.equal(shaped.status, 200, shaped.text)
  t.equal(shaped.body.output[0].content[0].text, '{"n":1}')
  const whole = await respond({ input: 'structured {"n":1}', stream: true, text: { format } })
  t.equal(whole.text.match(/^event: response.output_text.delta$/gm)?.length, 1, 'in one piece')
})

t.test("a response belongs to its token; another token's does not exist", async t => {
  const { respond, ask } = await start(t, {
    tokens: [storedToken('default', token), storedToken('other', 'cs_other')],
  })
  const { body } = await respond({ input: 'a secret' })
  const path = `/v1/responses/${body.id}`
  const missing = { status: 404, body: { error: { type: 'invalid_request_error' } } }
  for (const method of ['GET', 'DELETE']) {
    t.match(await ask(path, { method, bearer: 'cs_other' }), missing, method)
  }
  const next = await respond({ input: 'next', previous_response_id: body.id }, {}, 'cs_other')
  t.match(next, { status: 404, body: { error: { code: 'previous_response_not_found' } } })
  t.equal((await ask(path)).status, 200, 'its own token still has it')
})

t.test("a revoked token's responses are gone, also when it comes back", async t => {
  const { respond, ask, files } = await start(t, { limits: { revokedMilliseconds: 20 } })
  const { body } = await respond({ input: 'a secret' })
  const path = `/v1/responses/${body.id}`
  const isGone = async () => {
    files.write({ tokens: [storedToken('default', 'cs_the-next')] })
    t.match(await ask(path), { status: 401 })
    t.match(await ask(path, { bearer: 'cs_the-next' }), { status: 404 })
    files.write({ tokens: [storedToken('default', token)] })
    return (await ask(path)).status === 404
  }
  t.ok(await until(isGone, { every: 20, timeout: 60_000 }))
})

t.test('what cannot be served is refused in the envelope, with the member', async t => {
  const { respond, ask } = await start(t)
  for (const [body, param] of [
    [{}, 'input'],
    [{ input: [] }, 'input'],
    [{ input: [{ role: 'assistant', content: 'only' }] }, 'messages'],
    [{ input: [{ type: 'item_reference', id: 'x' }] }, 'input'],
    [{ input: 'a', background: true }, 'background'],
    [{ input: 'a', conversation: 'conv_1' }, 'conversation'],
    [{ input: 'a', prompt: { id: 'p' } }, 'prompt'],
    [{ input: 'a', tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [{ input: 'a', tools, tool_choice: { type: 'function', name: 'c' } }, 'tool_choice'],
    [{ input: 'a', text: { format: { type: 'json_schema', schema: { type: 'array' } } } }, ''],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'http://a/b' }] }] },
      '',
    ],
  ] as const) {
    const answer = await respond(body)
    t.match(answer, { status: 400, body: { error: { type: 'invalid_request_error' } } })
    t.ok(answer.body?.error?.param?.startsWith(param), `${JSON.stringify(body)}: ${answer.text}`)
  }
  t.match(await respond({ input: 'a', model: 'gpt-5' }), { status: 404 })
  t.match(await ask('/v1/responses', { method: 'POST', bearer: 'no' }), {
    status: 401,
    body: { error: { code: 'invalid_api_key' } },
  })
})

t.test('a failure after the stream began is response.failed, and the end', async t => {
  const { respond } = await start(t)
  const { status, text } = await respond({ input: 'cut', stream: true })
  t.equal(status, 200)
  t.match(text, /"delta":"one "/)
  const last = text.trim().split('\n\n').at(-1) ?? ''
  t.match(last, /^event: response\.failed\ndata: /)
  t.match(JSON.parse(last.slice(last.indexOf('{'))), {
    response: { status: 'failed', error: { message: /529/ }, output: [] },
  })
})

t.test('a client that leaves cancels the run', async t => {
  const { open, events } = await start(t)
  const body = { model: 'haiku', input: 'begin Now', stream: true }
  const answer = await open('/v1/responses', { method: 'POST', body })
  answer.on('error', () => {})
  answer.destroy()
  const ended = () => events.find(({ kind }) => kind === 'run-ended')
  t.match(await until(ended, { every: 10, timeout: 60_000 }), { status: 'cancelled' })
})
