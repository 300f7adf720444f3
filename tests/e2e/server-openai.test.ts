import { chown, copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI5 from 'openai-5'
import OpenAI6 from 'openai-6'
import t from 'tap'
import * as z from 'zod'
import { pixel } from '../support/internet/sites.ts'
import { until } from '../support/stack/process.ts'
import { createTestServer, startTestServer } from '../support/stack/test-server.ts'
import { owner } from '../support/stack/test-stack.ts'

const proxyLine = '      PROXY_URL: http://egress:3128\n'
const server = await createTestServer(t, {
  serverSites: ['other.test'],
  // For the certificates of the stand-in internet.
  compose: text =>
    text.replace(
      proxyLine,
      `${proxyLine}      NODE_EXTRA_CA_CERTS: /workspaces/main/authority.pem\n`,
    ),
  start: false,
})
const files = join(server.workspaces, 'main')
await mkdir(files)
await chown(files, owner, owner)
await copyFile(server.internet.authority, join(files, 'authority.pem'))
await startTestServer(server)
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

const callBoth = `[[parallel ${JSON.stringify([
  { tool: 'mcp__client__add', input: { a: 1, b: 2 } },
  { tool: 'mcp__client__weather', input: { city: 'Oslo' } },
])}]]`
const noArguments = { type: 'object' as const, properties: {} }

t.test('responses are runs of the real Claude Code, with tools of the client', async t => {
  const first = await openai.responses.create({ model: haiku, input: '[[say hello]]' })
  t.match(first, { status: 'completed', output_text: 'hello' })
  t.ok((first.usage?.output_tokens ?? 0) > 0)
  const stream = openai.responses.stream({ model: haiku, input: '[[stream 5 0 4]]' })
  const deltas: string[] = []
  stream.on('response.output_text.delta', ({ delta }) => deltas.push(delta))
  await stream.finalResponse()
  t.same(deltas, ['0 ..', '1 ..', '2 ..', '3 ..', '4 ..'], 'token by token')

  const tools = ['add', 'weather'].map(name => ({
    ...{ type: 'function' as const, name, parameters: noArguments, strict: null },
  }))
  const asked = await openai.responses.create({ model: haiku, input: callBoth, tools })
  const calls = asked.output.flatMap(item => (item.type === 'function_call' ? [item] : []))
  t.match(calls, [{ arguments: '{"a":1,"b":2}' }, { name: 'weather' }])
  const answered = await openai.responses.create({
    ...{ model: haiku, tools, previous_response_id: asked.id },
    input: calls.map(({ call_id, name }) => ({
      ...{ type: 'function_call_output' as const, call_id, output: `of ${name}` },
    })),
  })
  t.match(answered.output_text, /of add\s+of weather/)
})

t.test('the official client of Anthropic gets messages of the real Claude Code', async t => {
  const anthropic = new Anthropic({ apiKey: server.token, baseURL: server.url, timeout: 120_000 })
  const asking = { model: haiku, max_tokens: 1_000 }
  const message = await anthropic.messages.create({
    ...{ ...asking, system: 'Be brief.', messages: user('[[say hello]]') },
  })
  t.match(message, {
    ...{ role: 'assistant', model: haiku, stop_reason: 'end_turn' },
    content: [{ type: 'text', text: 'hello' }],
  })
  t.ok(message.usage.output_tokens > 0)
  const stream = anthropic.messages.stream({ ...asking, messages: user('[[stream 5 0 4]]') })
  const pieces: string[] = []
  stream.on('text', piece => pieces.push(piece))
  t.match(await stream.finalMessage(), { usage: { output_tokens: Number } })
  t.same(pieces, ['0 ..', '1 ..', '2 ..', '3 ..', '4 ..'], 'token by token')

  const tools = ['add', 'weather'].map(name => ({ name, input_schema: noArguments }))
  const calling = anthropic.messages.stream({ ...asking, tools, messages: user(callBoth) })
  const asked = await calling.finalMessage()
  t.match(asked, {
    stop_reason: 'tool_use',
    content: [{ input: { a: 1, b: 2 } }, { name: 'weather', input: { city: 'Oslo' } }],
  })
  const results = asked.content.flatMap(block =>
    block.type === 'tool_use'
      ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: `of ${block.name}` }]
      : [],
  )
  const answered = await anthropic.messages.create({
    ...{ ...asking, tools },
    messages: [
      ...user(callBoth),
      { role: 'assistant', content: asked.content },
      { role: 'user', content: results },
    ],
  })
  t.match(JSON.stringify(answered.content), /of add\s*(\\n)*of weather/)
  const broken = anthropic.messages.create({ ...asking, messages: user('[[error 400]]') })
  await t.rejects(broken, { message: /^400/, type: 'invalid_request_error' })
})

t.test('an image on the web comes through the proxy, from names of the list alone', async t => {
  const look = (url: string) =>
    openai.chat.completions.create({
      model: haiku,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: '[[say seen]]' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    })
  await server.internet.forgetModelRequests()
  t.match(await look('https://other.test/pixel.png'), {
    choices: [{ message: { content: 'seen' } }],
  })
  const sent = JSON.stringify(await server.internet.modelRequests())
  t.ok(sent.includes(pixel.toString('base64')), 'the model gets the image')
  for (const [url, message] of [
    ['https://evil.test/pixel.png', /the proxy refused the name/],
    ['https://other.test/', /it is not PNG/],
    ['https://169.254.169.254/pixel.png', /must have an https: URL with a public name/],
    ['http://other.test:8081/pixel.png', /must be a data: URL/],
  ] as const) {
    await t.rejects(look(url), { status: 400, message }, url)
  }
  const hosts = (await server.internet.events()).flatMap(event =>
    event.kind === 'http' ? [event.host] : [],
  )
  t.same([...new Set(hosts)], ['other.test'])
})
