import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI5 from 'openai-5'
import OpenAI6 from 'openai-6'
import t, { type Test } from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

const chat = '/openai/v1/chat/completions'
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

type Running = Awaited<ReturnType<typeof startRunning>>

const user = (content: unknown) => ({ role: 'user', content })

function using(running: Running) {
  const { ask, port } = running
  const complete = (messages: unknown, more: object = {}, headers: Record<string, string> = {}) =>
    ask(chat, { method: 'POST', body: { model: 'haiku', messages, ...more }, headers })
  return {
    complete,
    client: (Client: typeof OpenAI6 | typeof OpenAI5, options: object = {}) =>
      new Client({ apiKey: token, baseURL: `http://127.0.0.1:${port}/openai/v1`, ...options }),
    /** Returns Claude Code's own result of an answer's run. */
    resultOf: async (answer: { headers: Record<string, unknown> }) =>
      (await ask(`/run/result?runId=${answer.headers['x-claude-run-id']}`)).body,
  }
}

async function start(t: Test, options?: Parameters<typeof startRunning>[1]) {
  const running = await startRunning(t, options)
  return { ...running, ...using(running) }
}

const eventsOf = (stream: string) =>
  stream
    .split('\n\n')
    .filter(block => block.startsWith('data: '))
    .map(block => (block === 'data: [DONE]' ? block : JSON.parse(block.slice('data: '.length))))

for (const Client of [OpenAI6, OpenAI5]) {
  t.test('the official client completes, streams and lists models', async t => {
    const server = await start(t)
    const openai = server.client(Client) as OpenAI6
    const models = await openai.models.list()
    t.same(
      models.data.map(({ id }) => id),
      ['haiku', 'sonnet', 'opus', 'opusplan', 'fable', 'best'],
    )
    t.match(await openai.models.retrieve('opus'), { id: 'opus', object: 'model' })
    await t.rejects(Promise.resolve(openai.models.retrieve('gpt-4o')), {
      status: 404,
      code: 'model_not_found',
    })

    const messages = [{ role: 'user' as const, content: 'write Hello wide world' }]
    const answer = await openai.chat.completions.create({ model: 'openai/haiku', messages })
    t.match(answer, {
      id: /^chatcmpl-[0-9a-f]{16}$/,
      object: 'chat.completion',
      model: 'haiku',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello wide world' },
          finish_reason: 'stop',
        },
      ],
      usage: {
        prompt_tokens: 123,
        completion_tokens: 7,
        total_tokens: 130,
        prompt_tokens_details: { cached_tokens: 100 },
      },
    })

    const stream = await openai.chat.completions.create({
      ...{ model: 'haiku', messages, stream: true },
      stream_options: { include_usage: true },
    })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))
    t.match(deltas[0], { role: 'assistant', content: '' })
    t.same(
      deltas.slice(1).map(({ content }) => content),
      ['Hello ', 'wide ', 'world', undefined],
      'each piece of the model is a chunk',
    )
    t.equal(chunks.at(-2)?.choices[0]?.finish_reason, 'stop')
    t.match(chunks.at(-1), { choices: [], usage: { total_tokens: 130 } })
    t.equal(new Set(chunks.map(({ id }) => id)).size, 1)
    t.same([...new Set(chunks.map(({ model }) => model))], ['haiku'])
    await t.rejects(openai.chat.completions.create({ model: 'gpt-4o', messages }), {
      status: 404,
      code: 'model_not_found',
      param: 'model',
      type: 'invalid_request_error',
    })
    const wrong = server.client(Client, { apiKey: 'wrong' }) as OpenAI6
    await t.rejects(Promise.resolve(wrong.models.list()), { status: 401, code: 'invalid_api_key' })
  })
}

t.test('a stream is server-sent events that end with [DONE]', async t => {
  const { complete } = await start(t)
  const answer = await complete([user('write One | two three')], { stream: true })
  t.match(answer, { status: 200, headers: { 'content-type': /^text\/event-stream/ } })
  const events = eventsOf(answer.text)
  t.equal(events.at(-1), 'data: [DONE]')
  const text = events.slice(0, -1).map(({ choices }) => choices[0].delta.content ?? '')
  t.equal(text.join(''), 'One\n\ntwo three', 'two texts have an empty line between them')
  t.notMatch(answer.text, /"usage"/, 'no usage unless it was asked for')
  t.match(answer.headers['x-claude-run-id'], /^[0-9a-f]{16}$/)
})

t.test('a stream has keep-alives, and a client that leaves cancels the run', async t => {
  const { open, ask, events } = await start(t, { limits: { keepAliveMilliseconds: 20 } })
  const body = { messages: [user('begin Now')], stream: true }
  const answer = await open(chat, { method: 'POST', body })
  let text = ''
  answer.on('data', chunk => {
    text += chunk
  })
  answer.on('error', () => {})
  const isKept = () => /^: keep-alive$/m.test(text) && text.includes('Now')
  t.ok(await until(isKept, { every: 10, timeout: 60_000 }))
  answer.destroy()
  const ended = () => events.find(({ kind }) => kind === 'run-ended')
  t.match(await until(ended, { every: 10, timeout: 60_000 }), { status: 'cancelled' })
  t.match(await ask('/status'), { body: { busyWorkspaces: [] } })
})

t.test('a client that leaves before the answer cancels the run', async t => {
  const { port, events } = await start(t)
  const left = new AbortController()
  const sent = fetch(`http://127.0.0.1:${port}${chat}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [user('silent')] }),
    signal: left.signal,
  }).catch(() => {})
  const has = (kind: string) => () => events.find(event => event.kind === kind)
  t.ok(await until(has('run-started'), { every: 10, timeout: 60_000 }))
  left.abort()
  await sent
  t.match(await until(has('run-ended'), { every: 10, timeout: 60_000 }), { status: 'cancelled' })
})

t.test('system and developer messages are the system prompt', async t => {
  const { complete, resultOf } = await start(t)
  const answer = await complete(
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
      user('hello'),
    ],
    { reasoning_effort: 'minimal' },
    { 'x-claude-append-system-prompt': 'Be done.' },
  )
  t.equal(answer.body.choices[0].message.content, 'hello')
  const { initialized, argv } = await resultOf(answer)
  t.match(initialized, {
    systemPrompt: 'Be brief.\n\nBe kind.',
    appendSystemPrompt: 'Be done.',
  })
  t.match(argv, /--effort=low/)
  t.match(argv, /--model=haiku/)
  const other = await complete([user('hello')], { model: null, reasoningEffort: 'high' })
  t.equal(other.body.model, 'default')
  t.match((await resultOf(other)).argv, /--effort=high/)
  t.notMatch((await resultOf(other)).argv, /--model/)
})

t.test('a conversation is one prompt, with its roles', async t => {
  const { complete } = await start(t)
  const { body } = await complete([
    user('What is 1+1?'),
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
    },
    { role: 'tool', tool_call_id: 'c', content: '2' },
    { role: 'assistant', content: 'It is 2.' },
    user('And 2+2?'),
  ])
  const { content } = body.choices[0].message
  t.match(
    content,
    /<user>\nWhat is 1\+1\?\n<\/user>\n<assistant>\n\[called the tool add with {"a":1}\]/,
  )
  t.match(content, /<tool>\n2\n<\/tool>\n<assistant>\nIt is 2\.\n<\/assistant>/)
  t.match(content, /And 2\+2\?$/)
})

t.test('images, PDF and text files are parts of the prompt', async t => {
  const { complete, resultOf } = await start(t)
  const answer = await complete([
    user([
      { type: 'text', text: 'look' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}`, detail: 'low' } },
      {
        type: 'file',
        file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,JVBERi0=' },
      },
      { type: 'file', file: { filename: 'a.txt', file_data: 'data:text/plain;base64,aGV5' } },
    ]),
  ])
  t.match((await resultOf(answer)).content, [
    { type: 'text', text: 'look' },
    { type: 'image', source: { mediaType: 'image/png', data: pixel } },
    { type: 'document', source: { mediaType: 'application/pdf' }, title: 'a.pdf' },
    { type: 'text', text: 'a.txt:\n\nhey' },
  ])
  for (const [part, message] of [
    [
      { type: 'image_url', image_url: { url: 'http://169.254.169.254/x.png' } },
      /must be a data: URL/,
    ],
    [{ type: 'image_url', image_url: 'file:///etc/passwd' }, /must be a data: URL/],
    [{ type: 'image_url', image_url: { url: 'data:image/svg+xml;base64,AAAA' } }, /PNG, JPEG/],
    [{ type: 'image_url', image_url: { url: 'data:image/png;base64,@@@' } }, /base64/],
    [
      { type: 'input_audio', input_audio: { data: '', format: 'wav' } },
      /input_audio is not supported/,
    ],
    [{ type: 'file', file: { file_id: 'file-1' } }, /file_data/],
  ] as const) {
    t.match(await complete([user([part])]), {
      status: 400,
      body: { error: { message, type: 'invalid_request_error' } },
    })
  }
})

t.test('an answer in the form of a schema is JSON, also in a stream', async t => {
  const { complete, resultOf } = await start(t)
  const schema = { type: 'object', properties: { snake_key: { type: 'number' } } }
  const response_format = { type: 'json_schema', json_schema: { name: 'n', schema } }
  const answer = await complete([user('structured {"snake_key":1}')], { response_format })
  t.equal(answer.body.choices[0].message.content, '{"snake_key":1}')
  t.equal(answer.body.choices[0].finish_reason, 'stop')
  t.same((await resultOf(answer)).structuredOutput, { snake_key: 1 })
  const stream = await complete([user('structured {"a":[]}')], {
    ...{ stream: true, response_format: { type: 'json_object' } },
  })
  t.match(eventsOf(stream.text)[1], { choices: [{ delta: { content: '{"a":[]}' } }] })
  const unlike = await complete([user('structured {"snake_key":"x"}')], { response_format })
  t.match(unlike, { status: 502, body: { error: { message: /does not match the schema/ } } })
  t.match(
    await complete([user('x')], {
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'array' } } },
    }),
    { status: 400, body: { error: { param: 'response_format.json_schema.schema' } } },
  )
})

t.test('parameters that change nothing are taken, and those that lie are refused', async t => {
  const { complete } = await start(t)
  const taken = await complete([user('hi'), { role: 'assistant', content: null }, user('hello')], {
    ...{ temperature: 0, top_p: 1, presence_penalty: 1, frequency_penalty: 1, n: 1, seed: 1 },
    ...{ user: 'u', logprobs: false, store: true, metadata: {}, service_tier: 'auto' },
    ...{ parallel_tool_calls: true, stop: ['x'], max_tokens: 1000, tools: [], tool_choice: 'auto' },
    ...{ audio: null, functions: [], response_format: { type: 'text' }, my_own: 1 },
  })
  t.equal(taken.status, 200)
  t.equal(taken.headers['x-ignored-fields'], 'my_own')
  for (const [more, param] of [
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ audio: { voice: 'a' } }, 'audio'],
    [{ modalities: ['text', 'audio'] }, 'modalities.1'],
    [{ functions: [{ name: 'f' }] }, 'functions.0'],
    [{ reasoning_effort: 'huge' }, 'reasoning_effort'],
    [{ messages: [] }, 'messages'],
    [{ messages: [{ role: 'system', content: 'x' }] }, 'messages'],
    [{ messages: [user('')] }, 'messages'],
    [{ messages: 'x' }, 'messages'],
  ] as const) {
    t.match(
      await complete([user('x')], more),
      { status: 400, body: { error: { param, type: 'invalid_request_error', code: null } } },
      JSON.stringify(more),
    )
  }
  const none = await complete([{ role: 'assistant', content: 'x' }])
  t.equal(none.body.error.message, 'no user message provided')
  const strict = await start(t, { strict: true })
  t.match(await strict.complete([user('x')], { my_own: 1 }), {
    status: 400,
    body: { error: { param: 'my_own' } },
  })
})

t.test('every error has OpenAI’s form and its own status', async t => {
  const { ask, complete, run } = await start(t, {
    tokens: [storedToken('default', token), storedToken('other', 'cs_other', { modes: ['api'] })],
  })
  const error = (type: string, code: string | null, message = /./) => ({
    error: { message, type, param: null, code },
  })
  t.match(await ask(chat, { method: 'POST', bearer: null, body: {} }), {
    status: 401,
    body: error('invalid_request_error', 'invalid_api_key'),
  })
  t.match(await ask('/openai/v1/models', { bearer: 'cs_other' }), {
    status: 403,
    body: error('permission_error', null),
  })
  t.match(await ask('/openai/v1/embeddings', { method: 'POST', body: {} }), {
    status: 404,
    body: error('invalid_request_error', null),
  })
  t.match(await ask(chat), { status: 405, body: error('invalid_request_error', null) })
  t.match(
    await ask(chat, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
    {
      status: 400,
      body: { error: { message: 'JSON decode error' } },
    },
  )
  t.match(await complete([user('x')], { stream: true }, { 'x-claude-workspace': 'absent' }), {
    status: 404,
    body: { error: { code: 'workspace_not_found', message: /workspace not found: absent/ } },
  })
  t.match(await complete([user('x')], {}, { 'x-claude-workspace': '../main-evil' }), {
    status: 400,
  })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  t.match(await complete([user('x')], { stream: true }, { 'x-claude-workspace': 'a' }), {
    status: 409,
    headers: { 'retry-after': '5' },
    body: error('invalid_request_error', null, /busy/),
  })
  await ask(`/run/cancel?runId=${body.runId}`, { method: 'POST' })
  for (const [given, status] of [
    [429, 429],
    [529, 529],
    [500, 500],
    [400, 400],
    [401, 502],
    [403, 502],
  ] as const) {
    for (const stream of [true, false]) {
      t.match(
        await complete([user(`api-error ${given}`)], { stream }),
        {
          status,
          headers: { 'x-should-retry': 'false' },
          body: { error: { message: `${given}` } },
        },
        `${given} of the model`,
      )
    }
  }
})

t.test('a failure after the first piece ends the stream with an error', async t => {
  const { complete } = await start(t)
  const answer = await complete([user('cut')], { stream: true })
  t.equal(answer.status, 200)
  const events = eventsOf(answer.text)
  t.match(events.at(-1), { error: { message: /529/, type: 'server_error' } })
  t.notMatch(answer.text, /"finish_reason":"stop"|\[DONE\]/)
})

t.test('a request without a workspace has an empty one of its own', async t => {
  const { complete, resultOf, ask, runner } = await start(t)
  const folder = join(runner.root, 'workspaces/.openai/default')
  const answers = await Promise.all([1, 2].map(() => complete([user('hello')])))
  const places = await Promise.all(answers.map(async answer => (await resultOf(answer)).workspace))
  t.same(places.sort(), [
    '/workspaces/.openai/default/scratch-1',
    '/workspaces/.openai/default/scratch-2',
  ])
  mkdirSync(join(folder, 'scratch-1/deep/er'), { recursive: true })
  writeFileSync(join(folder, 'scratch-1/deep/er/a'), 'x')
  const again = await complete([user('hello')])
  t.match(await resultOf(again), { workspace: /scratch-1$/ }, 'the lowest free one')
  const isEmpty = () => readdirSync(join(folder, 'scratch-1')).length === 0
  t.ok(await until(isEmpty, { every: 10, timeout: 60_000 }), 'it is emptied after the run')
  t.notMatch((await ask('/files')).text, /\.openai/)
})

t.test('a conversation is open to its own token alone', async t => {
  const server = await start(t, {
    tokens: [storedToken('default', token), storedToken('other', 'cs_other')],
  })
  const { complete, ask } = server
  const id = { 'x-openwebui-chat-id': 'chat 1' }
  const answer = await complete([user('hello')], {}, id)
  const runId = answer.headers['x-claude-run-id']
  const [name] = readdirSync(join(server.runner.root, 'workspaces/.openai/default'))
  t.match(name, /^chat-[0-9a-f]{20}$/)
  const path = `.openai/default/${name}`
  t.match(await ask(`/run/result?runId=${runId}`), { status: 200 })
  const other = { bearer: 'cs_other' }
  t.match(await ask(`/run/result?runId=${runId}`, other), { status: 404 })
  t.match(await ask(`/run/events?runId=${runId}`, other), { status: 404 })
  t.match(await ask(`/files/${path}`, other), { status: 400 })
  t.match(await ask('/status', other), { body: { runs: [] } })
  const continued = { ...other, method: 'POST', body: { messages: [user('x')] } }
  const headers = { 'x-claude-workspace': path, 'x-claude-continue': '1' }
  t.match(await ask(chat, { ...continued, headers }), { status: 404 })
  await ask(chat, { ...continued, headers: id })
  t.ok(existsSync(join(server.runner.root, 'workspaces/.openai/other', name ?? '')))
})

t.test('a chat goes on in its session, and an edited one begins a session', async t => {
  // The fake Claude writes no sessions: the warm process has its own.
  const { complete, resultOf } = await start(t, { runner: { warm: 2 } })
  const id = { 'x-openwebui-chat-id': 'chat' }
  const first = await complete([user('one')], {}, id)
  const past = [user('one'), { role: 'assistant', content: ' one \n' }]
  const second = await complete([...past, user('two')], {}, id)
  t.equal(second.body.choices[0].message.content, 'two', 'the new message alone')
  t.equal((await resultOf(second)).sessionId, (await resultOf(first)).sessionId)
  const edited = await complete([user('1'), ...past.slice(1), user('two')], {}, id)
  t.match(edited.body.choices[0].message.content, /<user>\n1\n<\/user>/)
  t.not((await resultOf(edited)).sessionId, (await resultOf(first)).sessionId)
})

t.test('X-Claude-Continue goes on with the workspace', async t => {
  const { complete, run, resultOf } = await start(t, { runner: { warm: 2 } })
  const { body } = await run({ prompt: 'one', workspace: 'a', model: 'haiku' })
  const headers = { 'x-claude-workspace': 'a' }
  const go = await complete([user('two')], {}, { ...headers, 'x-claude-continue': 'yes' })
  t.equal((await resultOf(go)).sessionId, body.sessionId)
  const fresh = await complete([user('two')], {}, headers)
  t.not((await resultOf(fresh)).sessionId, body.sessionId)
})

t.test('requests with one key are one run', async t => {
  const { complete, events } = await start(t)
  const key = { 'idempotency-key': 'k1' }
  const same = () => complete([user('write same')], {}, key)
  const answers = [...(await Promise.all([same(), same()])), await same()]
  const streamed = await complete([user('write same')], {}, key)
  for (const { status, body } of [...answers, streamed]) {
    t.equal(status, 200)
    t.equal(body.choices[0].message.content, 'same')
  }
  t.equal(new Set(answers.map(({ body }) => body.id)).size, 1)
  t.match(await complete([user('write other')], {}, key), { status: 400 })
  t.equal(events.filter(({ kind }) => kind === 'run-started').length, 1)
})

t.test('an official client that repeats a request by itself starts no second run', async t => {
  for (const stream of [false, true]) {
    const server = await start(t, { limits: { retryMilliseconds: 60_000 } })
    const { events, client, runner } = server
    const file = join(runner.root, `go-${stream}`)
    const started = () => events.find(({ kind }) => kind === 'run-started')
    let attempts = 0
    const openai = client(OpenAI6, {
      fetch: async (url: string, init: RequestInit) => {
        attempts++
        const left = new AbortController()
        const sent = fetch(url, { ...init, signal: left.signal })
        if (attempts > 1) writeFileSync(file, '')
        else {
          await until(started, { every: 10, timeout: 60_000 })
          // As a connection that breaks.
          left.abort()
        }
        return sent
      },
    }) as OpenAI6
    const messages = [{ role: 'user' as const, content: `when ${file}` }]
    if (!stream) {
      const answer = await openai.chat.completions.create({ model: 'haiku', messages })
      t.equal(answer.choices[0]?.message.content, 'it is there')
    } else {
      let text = ''
      const answer = await openai.chat.completions.create({ model: 'haiku', messages, stream })
      for await (const { choices } of answer) text += choices[0]?.delta.content ?? ''
      t.equal(text, 'it is there')
    }
    t.equal(attempts, 2)
    t.equal(events.filter(({ kind }) => kind === 'run-started').length, 1)
  }
})

t.test('titles, tags, follow-ups and health checks are small runs beside their chat', async t => {
  const { complete, resultOf, ask } = await start(t)
  const headers = { 'x-openwebui-chat-id': 'chat' }
  const busy = complete([user('silent')], { stream: true }, headers)
  const isBusy = async () => (await ask('/status')).body.busyWorkspaces.length === 1
  t.ok(await until(isBusy, { every: 20, timeout: 60_000 }))
  const title = '### Task:\nGenerate a concise, 3-5 word title with an emoji.'
  for (const [messages, more] of [
    [[user(title)], { model: 'opus', stream: false }],
    [[user('hi')], { model: 'opus', max_tokens: 1 }],
  ] as const) {
    const answer = await complete(messages, more, headers)
    t.match(answer, { status: 200, body: { model: 'opus' } })
    const { argv, workspace, initialized } = await resultOf(answer)
    t.match(argv, /--model=haiku/)
    t.match(argv, /--tools=(,|$)/)
    t.equal(workspace, '/workspaces/.openai/default/side-1')
    t.match(initialized, { systemPrompt: /result alone/ })
  }
  t.match(await ask('/usage'), { body: { token: { sideCalls: { runs: 2, usd: Number } } } })
  const { text } = await ask('/metrics', { bearer: token })
  t.match(text, /claude_secure_runs_total\{[^}]*surface="openai-side"\} 2/)
  const [run] = (await ask('/status')).body.runs.filter(
    ({ status }: { status: string }) => status === 'running',
  )
  await ask(`/run/cancel?runId=${run.runId}`, { method: 'POST' })
  t.match(await busy, { status: 499 })

  const off = await start(t, { sideCalls: false })
  const answer = await off.complete([user(title)], { model: 'opus' })
  t.match((await off.resultOf(answer)).argv, /--model=opus/)
})

t.test('the document of the API has the endpoint', async t => {
  const { ask } = await start(t)
  const { paths } = (await ask('/openapi.json')).body
  t.ok(paths['/openai/v1/models'].get)
  const { requestBody } = paths[chat].post
  const { properties, required } = requestBody.content['application/json'].schema
  t.same(required, ['messages'])
  t.match(properties, { messages: { type: 'array' }, stream: {}, tools: {}, response_format: {} })
})
