import { realpathSync } from 'node:fs'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createMCPClient } from '@ai-sdk/mcp'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import t, { type Test } from 'tap'
import { startServer, token } from './fixture.ts'
import { startRunning } from './running.ts'

/** A second client of each protocol, unmodified, which shares no code with the official ones. */
const providers = {
  'OpenAI’s API': (port: number) =>
    createOpenAICompatible({
      name: 'claude-secure',
      apiKey: token,
      baseURL: `http://127.0.0.1:${port}/openai/v1`,
      includeUsage: true,
    }),
  'Anthropic’s API': (port: number) =>
    createAnthropic({ apiKey: token, baseURL: `http://127.0.0.1:${port}/v1` }),
}

for (const [api, providerAt] of Object.entries(providers)) {
  const start = async (t: Test) => {
    const server = await startRunning(t)
    const started = () => server.events.filter(({ kind }) => kind === 'run-started').length
    return { provider: providerAt(server.port), started }
  }

  t.test(`the AI SDK completes, and reads an answer token by token: ${api}`, async t => {
    const { provider, started } = await start(t)
    const model = provider('haiku')
    const prompt = 'write Hello wide world'
    const answer = await generateText({ model, prompt })
    t.equal(answer.text, 'Hello wide world')
    t.equal(answer.finishReason, 'stop')
    t.match(answer.usage, { inputTokens: 123, outputTokens: 7 })
    const pieces: string[] = []
    const stream = streamText({ model, prompt })
    for await (const piece of stream.textStream) pieces.push(piece)
    t.strictSame(pieces, ['Hello ', 'wide ', 'world'])
    t.match(await stream.usage, { inputTokens: 123, outputTokens: 7 })
    t.equal(started(), 2)
  })

  t.test(`the AI SDK executes its own tools during one run: ${api}`, async t => {
    const { provider, started } = await start(t)
    const asked: unknown[] = []
    const { text, steps } = await generateText({
      model: provider('haiku'),
      prompt: 'call [["weather", { "city": "Oslo" }]]',
      stopWhen: stepCountIs(3),
      tools: {
        weather: tool({
          description: 'The weather',
          inputSchema: jsonSchema<{ city: string }>({
            type: 'object',
            properties: { city: { type: 'string' } },
          }),
          execute: async input => {
            asked.push(input)
            return 'snow'
          },
        }),
      },
    })
    t.strictSame(asked, [{ city: 'Oslo' }])
    t.match(text, /snow/)
    t.equal(steps.length, 2)
    t.equal(started(), 1, 'the results go to the run that asked')
  })

  t.test(`the AI SDK shows an error, and retries none that no retry helps: ${api}`, async t => {
    const { provider, started } = await start(t)
    await t.rejects(generateText({ model: provider('gpt-4o'), prompt: 'x' }), {
      statusCode: 404,
      isRetryable: false,
      message: /gpt-4o/,
    })
    t.equal(started(), 0)
  })
}

async function connect(
  t: Test,
  { port, app }: Pick<Awaited<ReturnType<typeof startServer>>, 'port' | 'app'>,
) {
  const client = await createMCPClient({
    transport: {
      type: 'http',
      url: `http://127.0.0.1:${port}/mcp`,
      headers: { Authorization: `Bearer ${token}` },
    },
  })
  t.teardown(async () => {
    await client.close()
    // It keeps a connection, for which the server would wait.
    app.server.closeAllConnections()
  })
  const tools = await client.tools()
  const call = async (name: string, input: object) =>
    tools[name]?.execute(input, { toolCallId: name, messages: [] })
  return { tools, call }
}

t.test('the MCP client of the AI SDK lists the tools, writes a file and reads it', async t => {
  const workspacesFolder = realpathSync(t.testdir({ main: {}, other: { x: 'not yours' } }))
  const server = await startServer(t, { workspacesFolder })
  const { tools, call } = await connect(t, server)
  t.ok(['claude_run', 'run_result', 'read_file', 'write_file'].every(name => name in tools))
  await call('write_file', { path: 'note.txt', content: 'the note' })
  t.match(await call('read_file', { path: 'note.txt' }), { content: [{ text: /the note/ }] })
  t.match(await call('read_file', { path: '../other/x' }), { isError: true })
})

t.test('the MCP client of the AI SDK runs a prompt', async t => {
  const { call } = await connect(t, await startRunning(t))
  t.match(await call('claude_run', { prompt: 'write Hello', workspace: 'a' }), {
    content: [{ type: 'text', text: 'Hello' }],
    structuredContent: { status: 'completed' },
  })
})
