import { join } from 'node:path'
import t from 'tap'
import { startClaudeCode } from '../support/mcp/claude-code.ts'
import { connectMcp, generations } from '../support/mcp/clients.ts'
import { until } from '../support/stack/process.ts'
import { createTestServer } from '../support/stack/test-server.ts'

const server = await createTestServer(t)
const endpoint = { url: `${server.url}/mcp`, token: server.token }
const claude = await startClaudeCode(t)

/** A directive for the scripted model of the run, which that of the client does not see as one. */
const inner = (directive: string) => `\\u005b\\u005b${directive}\\u005d\\u005d`
const use = (tool: string, input: string) => `[[tool mcp__sandbox__${tool} ${input}]]`

for (const generation of generations) {
  t.test(`the official client: ${generation}`, async t => {
    const client = await connectMcp(t, generation, {
      ...endpoint,
      elicit: () => ({ action: 'accept', content: { choice1: 'blue' } }),
    })
    await client.call('write_file', { path: `${generation}/a.txt`, content: 'from the client' })
    const run = (prompt: string, more: object = {}, options: object = {}) =>
      client.call('claude_run', { prompt, workspace: generation, ...more }, options)

    const read = await run('[[bash cat a.txt; echo made > b.txt]]')
    t.match(read, { text: /from the client/, structured: { status: 'completed' } })
    t.match(await client.call('read_file', { path: `${generation}/b.txt` }), { text: 'made' })

    const question = {
      question: 'Which colour?',
      header: 'Colour',
      multiSelect: false,
      options: [
        { label: 'red', description: 'warm' },
        { label: 'blue', description: 'cold' },
      ],
    }
    const asked = await run(`[[tool AskUserQuestion ${JSON.stringify({ questions: [question] })}]]`)
    t.match(asked.text, /blue/)

    const { structured } = await run('[[delay 120000]] [[say late]]', { wait_seconds: 0 })
    t.match(structured, { status: 'running' })
    const cancelled = await client.call('run_cancel', { run_id: structured?.run_id })
    t.match(cancelled.structured, { status: 'cancelled' })

    const controller = new AbortController()
    const call = run('[[delay 120000]]', {}, { signal: controller.signal })
    call.catch(() => {})
    const isBusy = async () => {
      const { json } = await server.request('/status')
      return JSON.stringify(json).includes('"status":"running"')
    }
    await until('the run to start', isBusy)
    controller.abort()
    await until('the end of the run', async () => !(await isBusy()))
    const { text } = await run('[[say free again]]')
    t.equal(text, 'free again')
  })
}

t.test('the real Claude Code is a client of the server', async t => {
  const sandbox = {
    type: 'http',
    url: endpoint.url,
    headers: { Authorization: `Bearer ${server.token}` },
  }
  const file = '{"path":"note/note.txt","content":"a note"}'
  t.match(await claude.ask({ sandbox }, use('write_file', file)), /"status":"ok"/)
  const prompt = `{"prompt":"${inner('bash cat note.txt')}","workspace":"note"}`
  t.match(await claude.ask({ sandbox }, use('claude_run', prompt)), /a note/)
})

t.test('the bridge finds the server of this host and its token by itself', async t => {
  const program = {
    command: join(server.checkout, 'claude.ts'),
    args: ['mcp', '--name', `t-${process.pid}`],
    env: { PATH: process.env.PATH ?? '', ...server.env },
    cwd: '/',
  }
  const client = await connectMcp(t, 'sessions', { program })
  t.equal((await client.call('claude_run', { prompt: '[[say found]]' })).text, 'found')
})
