import OpenAI from 'openai-6'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

const tool = (name: string) => ({
  type: 'function' as const,
  function: { name, description: 'of the client', parameters: { type: 'object', properties: {} } },
})
const tools = [tool('add'), tool('weather')]
const prompt = 'call [["add",{"a":1,"b":2}],["weather",{"city":"Oslo"}]]'

type Message = OpenAI.ChatCompletionMessageParam

async function start(t: import('tap').Test, options: Parameters<typeof startRunning>[1] = {}) {
  const running = await startRunning(t, options)
  const baseURL = `http://127.0.0.1:${running.port}/openai/v1`
  const client = (apiKey = token) => new OpenAI({ apiKey, baseURL, maxRetries: 0 })
  const statuses = () =>
    running.events.flatMap(event => (event.kind === 'run-ended' ? [event.status] : []))
  return { ...running, client, statuses }
}

const asked: Message[] = [{ role: 'user', content: prompt }]

t.test('calls go out, results come in, and one run answers', async t => {
  const { client, events } = await start(t)
  const openai = client()
  const first = await openai.chat.completions.create({ model: 'haiku', messages: asked, tools })
  t.match(first.choices[0], {
    finish_reason: 'tool_calls',
    message: {
      content: null,
      tool_calls: [
        { id: /^toolu_/, type: 'function', function: { name: 'add', arguments: '{"a":1,"b":2}' } },
        { id: /^toolu_/, type: 'function', function: { name: 'weather' } },
      ],
    },
  })
  t.match(first.usage, { prompt_tokens: 123, completion_tokens: 2 })
  const message = first.choices[0]?.message
  if (!message?.tool_calls) return
  const [add, weather] = message.tool_calls.map(({ id }) => id)
  const messages: Message[] = [
    ...asked,
    message,
    { role: 'tool', tool_call_id: weather ?? '', content: [{ type: 'text', text: 'rain' }] },
    { role: 'tool', tool_call_id: add ?? '', content: '3' },
  ]
  const second = await openai.chat.completions.create({ model: 'haiku', messages, tools })
  t.match(second.choices[0], { finish_reason: 'stop', message: { content: '3, rain' } })
  t.equal(second.id, first.id, 'it is the same run')
  t.match(second.usage, { prompt_tokens: 0, completion_tokens: 5 }, 'nothing is counted twice')
  t.equal(events.filter(({ kind }) => kind === 'run-started').length, 1)
})

t.test('a stream has the calls in pieces, and the official helper runs the tools', async t => {
  const { client, events } = await start(t)
  const openai = client()
  const stream = openai.chat.completions.stream({ model: 'haiku', messages: asked, tools })
  let pieces = 0
  stream.on('chunk', ({ choices }) => {
    if (choices[0]?.delta.tool_calls?.[0]?.function?.arguments) pieces++
  })
  const { choices } = await stream.finalChatCompletion()
  t.equal(choices[0]?.finish_reason, 'tool_calls')
  t.same(
    choices[0]?.message.tool_calls?.map(call => 'function' in call && call.function.arguments),
    ['{"a":1,"b":2}', '{"city":"Oslo"}'],
  )
  t.ok(pieces > 2, 'arguments come piece by piece')

  const runner = openai.chat.completions.runTools({
    ...{ model: 'haiku', messages: asked, stream: true },
    tools: [
      {
        type: 'function',
        function: {
          ...tool('add').function,
          parse: JSON.parse,
          function: ({ a, b }: { a: number; b: number }) => `${a + b}`,
        },
      },
      { type: 'function', function: { ...tool('weather').function, function: () => 'sun' } },
    ],
  })
  t.equal(await runner.finalContent(), '3, sun')
  t.equal(events.filter(({ kind }) => kind === 'run-started').length, 2)
})

t.test('a missing result is told to the model, and text after the results too', async t => {
  const { client } = await start(t)
  const first = await client().chat.completions.create({ model: 'haiku', messages: asked, tools })
  const message = first.choices[0]?.message
  if (!message?.tool_calls) throw new Error('no calls')
  const messages: Message[] = [
    ...asked,
    message,
    { role: 'tool', tool_call_id: message.tool_calls[0]?.id ?? '', content: '3' },
    { role: 'user', content: 'hurry' },
  ]
  const second = await client().chat.completions.create({ model: 'haiku', messages, tools })
  const { content = '' } = second.choices[0]?.message ?? {}
  t.match(content, /^3The user says:hurry, The client gave no result/)
})

t.test('a client that does not come back ends its run at the deadline', async t => {
  const { client, statuses } = await start(t, { limits: { toolMilliseconds: 100 } })
  const first = await client().chat.completions.create({ model: 'haiku', messages: asked, tools })
  t.equal(first.choices[0]?.finish_reason, 'tool_calls')
  t.ok(await until(() => statuses().includes('cancelled'), { every: 20, timeout: 120_000 }))
})

t.test('a run that waits for the client of a revoked token ends', async t => {
  const { client, statuses, files } = await start(t, {
    tokens: [storedToken('default', token), storedToken('other', 'cs_other')],
    limits: { revokedMilliseconds: 20 },
  })
  for (const key of [token, 'cs_other']) {
    const openai = client(key)
    const { choices } = await openai.chat.completions.create({
      model: 'haiku',
      messages: asked,
      tools,
    })
    t.equal(choices[0]?.finish_reason, 'tool_calls')
  }
  files.write({ tokens: [storedToken('other', 'cs_other')] })
  t.ok(await until(() => statuses().includes('cancelled'), { every: 20, timeout: 120_000 }))
  t.same(statuses(), ['cancelled'], 'the run of the token in force still waits')
})

t.test(
  'results belong to the token of their run; others begin a run with the conversation',
  async t => {
    const { client, statuses } = await start(t, {
      tokens: [storedToken('default', token), storedToken('other', 'cs_other')],
    })
    const first = await client().chat.completions.create({ model: 'haiku', messages: asked, tools })
    const message = first.choices[0]?.message
    if (!message?.tool_calls) throw new Error('no calls')
    const results = message.tool_calls.map(({ id }) => ({
      ...{ role: 'tool' as const, tool_call_id: id, content: 'of another' },
    }))
    const messages: Message[] = [...asked, message, ...results]
    const other = await client('cs_other').chat.completions.create({
      model: 'haiku',
      messages,
      tools,
    })
    t.not(other.id, first.id)
    t.match(other.choices[0]?.message.content, /<tool>\nof another\n<\/tool>/)
    t.same(statuses(), ['succeeded'], 'the first run still waits')
    const own = await client().chat.completions.create({ model: 'haiku', messages, tools })
    t.equal(own.id, first.id)
  },
)

t.test('tools have names, and a choice among them is told to the model', async t => {
  const { ask } = await start(t)
  const complete = (more: object, content = 'hello') =>
    ask('/openai/v1/chat/completions', {
      method: 'POST',
      body: { messages: [{ role: 'user', content }], ...more },
    })
  for (const [more, param] of [
    [{ tools: [{ type: 'web_search' }] }, 'tools.0.type'],
    [{ tools: [tool('a b')] }, 'tools.0.name'],
    [{ tools: [tool('a'), tool('a')] }, 'tools'],
    [{ tools, tool_choice: 'many' }, 'tool_choice'],
    [{ tools, tool_choice: { type: 'function', function: { name: 'c' } } }, 'tool_choice'],
  ] as const) {
    t.match(await complete(more), { status: 400, body: { error: { param } } }, JSON.stringify(more))
  }
  const initialized = async (tool_choice: unknown) => {
    const answer = await complete({ tools, tool_choice })
    const id = answer.headers['x-claude-run-id']
    return (await ask(`/run/result?runId=${id}`)).body.initialized
  }
  t.match(await initialized('required'), {
    sdkMcpServers: ['client'],
    appendSystemPrompt: /call one of the tools add, weather/,
  })
  t.match(await initialized({ type: 'function', function: { name: 'add' } }), {
    appendSystemPrompt: /call the tool add of/,
  })
  t.notOk('sdkMcpServers' in (await initialized('none')))
})
