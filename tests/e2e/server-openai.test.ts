import OpenAI5 from 'openai-5'
import OpenAI6 from 'openai-6'
import t from 'tap'
import * as z from 'zod'
import { until } from '../support/stack/process.ts'
import { createTestServer } from '../support/stack/test-server.ts'

const server = await createTestServer(t)
const options = { apiKey: server.token, baseURL: `${server.url}/openai/v1`, timeout: 120_000 }
const openai = new OpenAI6(options)
const user = (content: string) => [{ role: 'user' as const, content }]
const haiku = 'haiku'

t.test('the official clients of two majors get answers of the real Claude Code', async t => {
  for (const client of [openai, new OpenAI5(options) as unknown as OpenAI6]) {
    t.ok((await client.models.list()).data.some(({ id }) => id === 'opus'))
    const answer = await client.chat.completions.create({
      model: 'anthropic/haiku',
      messages: [{ role: 'system', content: 'Be brief.' }, ...user('[[say hello]]')],
    })
    t.match(answer, {
      model: haiku,
      choices: [{ message: { content: 'hello' }, finish_reason: 'stop' }],
      usage: { total_tokens: Number },
    })
    t.ok((answer.usage?.prompt_tokens ?? 0) > 0)
    const stream = await client.chat.completions.create({
      ...{ model: haiku, messages: user('[[stream 5 0 4]]'), stream: true },
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const texts = chunks.flatMap(({ choices }) => choices[0]?.delta.content || [])
    t.same(texts, ['0 ..', '1 ..', '2 ..', '3 ..', '4 ..'], 'token by token')
    t.match(chunks.at(-1), { choices: [], usage: { total_tokens: Number } })
  }
})

t.test('Claude Code’s own tools work in the workspace of the request', async t => {
  await fetch(`${server.url}/files/p/a.txt`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${server.token}` },
    body: 'of the workspace',
  })
  const answer = await openai.chat.completions.create(
    { model: haiku, messages: user('[[bash cat a.txt]]') },
    { headers: { 'X-Claude-Workspace': 'p' } },
  )
  t.match(answer.choices[0]?.message.content, /of the workspace/)
  await t.rejects(
    openai.chat.completions.create(
      { model: haiku, messages: user('x') },
      { headers: { 'X-Claude-Workspace': 'absent' } },
    ),
    { status: 404, code: 'workspace_not_found' },
  )
})

t.test('an answer has the form of a schema', async t => {
  for (const response_format of [
    { type: 'json_object' as const },
    { type: 'json_schema' as const, json_schema: { name: 'n', schema: { type: 'object' } } },
  ]) {
    const answer = await openai.chat.completions.create({
      ...{ model: haiku, response_format, messages: user('[[structured {"snake_key": 1}]]') },
    })
    t.equal(answer.choices[0]?.message.content, '{"snake_key":1}')
    t.equal(answer.choices[0]?.finish_reason, 'stop')
  }
})

t.test('a chat goes on in its session', async t => {
  const headers = { 'X-OpenWebUI-Chat-Id': 'a chat' }
  const first = await openai.chat.completions
    .create({ model: haiku, messages: user('[[say one]]') }, { headers })
    .withResponse()
  const second = await openai.chat.completions
    .create(
      {
        model: haiku,
        messages: [
          ...user('[[say one]]'),
          { role: 'assistant', content: 'one' },
          ...user('[[say two]]'),
        ],
      },
      { headers },
    )
    .withResponse()
  t.equal(second.data.choices[0]?.message.content, 'two')
  const Session = z.looseObject({ sessionId: z.string() })
  const sessions = await Promise.all(
    [first, second].map(async ({ response }) => {
      const id = response.headers.get('x-claude-run-id')
      return Session.parse((await server.request(`/run/result?runId=${id}`)).json).sessionId
    }),
  )
  t.equal(sessions[0], sessions[1])
})

t.test('a client that leaves a stream ends its run', async t => {
  const stream = await openai.chat.completions.create({
    ...{ model: haiku, messages: user('[[stream 2000 50]]'), stream: true as const },
  })
  for await (const { choices } of stream) if (choices[0]?.delta.content) break
  const status = await until('the run to end', async () => {
    const { json } = await server.request('/status')
    return JSON.stringify(json).includes('"status":"running"') ? null : json
  })
  t.match(status, { busyWorkspaces: [], runs: [{ status: 'cancelled' }] })
})

t.test('an error of the model has its own status, and no second run begins', async t => {
  await t.rejects(
    openai.chat.completions.create({ model: haiku, messages: user('[[error 400]]') }),
    { message: /^400/, type: 'invalid_request_error' },
  )
})

t.test('tools of the client are called by the real Claude Code, two at once', async t => {
  const calls = [
    { tool: 'mcp__client__add', input: { a: 1, b: 2 } },
    { tool: 'mcp__client__weather', input: { city: 'Oslo' } },
  ]
  const given: string[] = []
  const runner = openai.chat.completions.runTools({
    ...{ model: haiku, stream: true, messages: user(`[[parallel ${JSON.stringify(calls)}]]`) },
    tools: [
      {
        type: 'function',
        function: {
          ...{ name: 'add', parameters: { type: 'object', properties: {} } },
          parse: JSON.parse,
          description: 'adds',
          function: ({ a, b }: { a: number; b: number }) => `sum ${a + b}`,
        },
      },
      {
        type: 'function',
        function: {
          ...{ name: 'weather', parameters: { type: 'object', properties: {} } },
          description: 'says the weather',
          function: (input: string) => {
            given.push(input)
            return 'rain'
          },
        },
      },
    ],
  })
  t.match(await runner.finalContent(), /sum 3\s+rain/)
  t.same(given, ['{"city":"Oslo"}'])
})

t.test('a title is a small run beside its chat', async t => {
  const headers = { 'X-OpenWebUI-Chat-Id': 'a busy chat' }
  const stream = await openai.chat.completions.create(
    { model: haiku, messages: user('[[stream 2000 50]]'), stream: true },
    { headers },
  )
  for await (const { choices } of stream) {
    if (!choices[0]?.delta.content) continue
    const title = await openai.chat.completions.create(
      {
        model: 'opus',
        messages: user('### Task:\nGenerate a concise, 3-5 word title. [[say A title]]'),
      },
      { headers },
    )
    t.equal(title.choices[0]?.message.content, 'A title')
    break
  }
  const { json } = await server.request('/usage')
  t.match(json, { token: { sideCalls: { runs: 1 } } })
})
