import { chmodSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { connectMcp, type Elicit, generations } from '../../support/mcp/clients.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'
import { run } from '../../support/stack/process.ts'
import { token } from './fixture.ts'
import { startRunning } from './running.ts'

const every = { every: 20, timeout: 60_000 }
const script = await createControlScript(t)
const tokenFile = join(t.testdir({}), 'token')
writeFileSync(tokenFile, `${token}\n`)
chmodSync(tokenFile, 0o600)

const programOf = (port: number, file = tokenFile) => ({
  command: join(script.checkout, 'claude.ts'),
  args: ['mcp', '--url', `http://127.0.0.1:${port}`, '--token-file', file],
  env: Object.fromEntries(
    Object.entries({ ...script.env }).filter((pair): pair is [string, string] => !!pair[1]),
  ),
  cwd: script.workspace,
})
const ask = (text: string) =>
  `ask ${JSON.stringify({
    tool_name: 'AskUserQuestion',
    requires_user_interaction: true,
    input: {
      questions: [
        {
          question: text,
          header: 'x',
          multiSelect: false,
          options: [{ label: 'A' }, { label: 'B' }],
        },
      ],
    },
  })}`

for (const generation of generations) {
  t.test(`the official client over the bridge: ${generation}`, async t => {
    const server = await startRunning(t)
    const connect = (elicit?: Elicit) =>
      connectMcp(t, generation, { program: programOf(server.port), ...(elicit && { elicit }) })
    const client = await connect()
    t.equal((await client.tools()).length, 8)
    const heard: (string | undefined)[] = []
    const onprogress = ({ message }: { message?: string | undefined }) => void heard.push(message)
    const { text, structured } = await client.call(
      'claude_run',
      { prompt: 'grüße', workspace: 'a' },
      { onprogress },
    )
    t.equal(text, 'grüße')
    t.equal(heard[0], `run ${structured?.run_id} started`)

    const user = await connect(() => ({ action: 'accept', content: { choice1: 'B' } }))
    t.match((await user.call('claude_run', { prompt: ask('Which?') })).text, 'B')

    const controller = new AbortController()
    const call = client.call('claude_run', { prompt: 'silent' }, { signal: controller.signal })
    call.catch(() => {})
    t.ok(await until(() => server.starter.count() === 1, every))
    controller.abort()
    await t.rejects(call)
    t.ok(await until(() => server.starter.count() === 0, every), 'a cancel reaches the run')

    const last = client.call('claude_run', { prompt: 'silent' })
    last.catch(() => {})
    t.ok(await until(() => server.starter.count() === 1, every))
    await client.close()
    t.ok(await until(() => server.starter.count() === 0, every), 'as does the end of the client')
  })
}

/** Runs the bridge with lines on its stdin, and returns the messages on its stdout. */
async function exchange(args: readonly string[], lines: readonly (string | object)[]) {
  const input = lines.map(line => (typeof line === 'string' ? line : JSON.stringify(line)))
  const { stdout, stderr, code } = await run(join(script.checkout, 'claude.ts'), ['mcp', ...args], {
    env: { ...script.env },
    cwd: script.workspace,
    input: `${input.join('\n')}\n`,
  })
  const messages = stdout.split('\n').filter(Boolean)
  return { messages: messages.map(line => JSON.parse(line)), stderr, code }
}
const initialize = {
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: {
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'c', version: '1' },
  },
}
const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }

t.test('lines that are not messages are answered, and the rest goes on', async t => {
  const { port } = await startRunning(t)
  const { args } = programOf(port)
  const { messages, code } = await exchange(args.slice(1), ['{', '[1]', '', initialize, list])
  t.equal(code, 0)
  t.match(messages, [
    { id: null, error: { code: -32_700 } },
    { id: null, error: { code: -32_700 } },
    { id: 1, result: { protocolVersion: '2025-06-18' } },
    { id: 2, result: { tools: { length: 8 } } },
  ])
})

t.test('a refused token and an absent server are answers', async t => {
  const { port, events } = await startRunning(t)
  const wrong = join(t.testdir({}), 'wrong')
  writeFileSync(wrong, 'cs_another-token')
  const refused = await exchange(programOf(port, wrong).args.slice(1), [initialize])
  t.match(refused.messages, [{ id: 1, error: { message: /answered 401: unauthorized/ } }])
  t.notMatch(JSON.stringify([refused, events]), 'cs_another-token')
  const absent = await exchange(programOf(await closedPort()).args.slice(1), [initialize])
  t.match(absent.messages, [{ id: 1, error: { message: /cannot be reached: .*ECONNREFUSED/ } }])
})

t.test('a session that the server lost is opened again', async t => {
  const server = await startRunning(t, { limits: { mcpSessions: 1 } })
  const client = await connectMcp(t, 'sessions', { program: programOf(server.port) })
  await client.tools()
  const other = await connectMcp(t, 'sessions', {
    url: `http://127.0.0.1:${server.port}/mcp`,
    token,
  })
  await other.tools()
  await other.close()
  t.equal((await client.tools()).length, 8)
})

t.test('a wrong use says what to write', async t => {
  const cases: [string[], RegExp, RegExp][] = [
    [['mcp', '--url', 'ftp://x'], /not the http or https address/, /https:/],
    [['mcp', '--url', 'http://u:p@x'], /not the http or https address/, /https:/],
    [
      ['mcp', '--url', 'http://ai.example', '--token-file', tokenFile],
      /would send the token in the clear/,
      /use https/,
    ],
    [['mcp', '--url', 'http://localhost', '--name', 'x'], /--name contradicts --url/, /omit/],
    [
      ['mcp', '--url', 'http://localhost', '--token-file', '/nonexistent'],
      /missing/,
      /give a file/,
    ],
    [
      ['mcp', '--url', 'http://localhost', '--token-file', '/etc/passwd'],
      /token alone/,
      /one line/,
    ],
    [['mcp', 'lst'], /mcp lst is not a command/, /mcp list/],
  ]
  for (const [args, error, hint] of cases) {
    isTwoLines(t, await script.run(args), { error, hint, code: 2 })
  }
})

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
