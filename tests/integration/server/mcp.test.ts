import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { connectMcp, type Elicit, generations } from '../../support/mcp/clients.ts'
import { startServer, token } from './fixture.ts'
import { startRunning } from './running.ts'

const every = { every: 20, timeout: 60_000 }
const names = [
  'claude_run',
  'run_result',
  'run_cancel',
  'run_answer',
  'list_files',
  'read_file',
  'write_file',
  'delete_file',
]
const questions = [
  {
    question: 'Which database?',
    header: 'Database',
    multiSelect: false,
    options: [{ label: 'PostgreSQL' }, { label: 'SQLite' }],
  },
]
const asking = `ask ${JSON.stringify({
  tool_name: 'AskUserQuestion',
  requires_user_interaction: true,
  input: { questions },
})}`

for (const generation of generations) {
  t.test(`the official client: ${generation}`, async t => {
    const server = await startRunning(t)
    const url = `http://127.0.0.1:${server.port}/mcp`
    const connect = (elicit?: Elicit) =>
      connectMcp(t, generation, { url, token, ...(elicit && { elicit }) })
    const client = await connect()

    t.test('it speaks the newest version of its generation, and lists the tools', async t => {
      t.equal(client.version, generation === 'sessions' ? '2025-11-25' : '2026-07-28')
      const tools = await client.tools()
      t.same(tools.map(({ name }) => name).sort(), [...names].sort())
      const run = tools.find(({ name }) => name === 'claude_run')
      t.match(run?.inputSchema, {
        type: 'object',
        required: ['prompt'],
        properties: {
          prompt: { type: 'string' },
          model: { type: 'string', default: 'haiku' },
          system_prompt: { type: 'string', default: '' },
          append_system_prompt: { type: 'string', default: '' },
          json_schema: { type: 'string', default: '' },
          workspace: { type: 'string', default: '' },
          no_continue: { type: 'boolean', default: true },
          resume: { type: 'string', default: '' },
          effort: { type: 'string', default: '' },
          wait_seconds: { default: 45 },
        },
      })
      t.match(run?.outputSchema, { type: 'object', required: ['run_id', 'status', 'workspace'] })
    })

    t.test('a run answers with its text, and with its parts', async t => {
      const { text, structured, isError } = await client.call('claude_run', {
        prompt: 'hello',
        workspace: 'a',
        system_prompt: '',
        effort: '',
        resume: null,
      })
      t.notOk(isError)
      t.equal(text, 'hello')
      t.match(structured, { status: 'completed', result: 'hello', workspace: '/workspaces/a' })
      const { body } = await server.ask(`/run/result?runId=${structured?.run_id}`)
      t.equal(body.result, 'hello', 'the API knows it')
      const record = await server.of('main').find(String(structured?.run_id))
      t.match(record, { surface: 'mcp', owner: 'default', model: 'haiku' })
    })

    t.test('a structured answer is there in the form of its schema', async t => {
      const { structured } = await client.call('claude_run', {
        prompt: 'structured {"n":1}',
        json_schema: '{"type":"object","properties":{"n":{"type":"number"}}}',
      })
      t.same(structured?.structured_output, { n: 1 })
    })

    t.test('refusals and failures are results with isError', async t => {
      const failed = await client.call('claude_run', { prompt: 'api-error 429' })
      t.match(failed, { isError: true, text: /429/, structured: { status: 'failed' } })
      const refused: [string, object, RegExp][] = [
        ['claude_run', { prompt: 'x', workspace: '../main-evil' }, /path outside root workspace/],
        ['claude_run', { prompt: 'x', workspace: 'missing' }, /workspace not found: missing/],
        ['claude_run', { prompt: 'x', json_schema: '{' }, /json_schema: must be JSON/],
        ['claude_run', { prompt: 'x', effort: 'huge' }, /effort: /],
        ['claude_run', { prompt: 'x', model: '--help' }, /model: must be the name of a model/],
        ['claude_run', { prompt: 'x', resume: 'no' }, /resume: must be a session id/],
        ['run_result', { run_id: '0123456789abcdef' }, /run not found/],
        ['run_cancel', { run_id: '../x' }, /run not found/],
        ['run_answer', { run_id: '0123456789abcdef' }, /run not found/],
      ]
      for (const [name, args, expected] of refused) {
        t.match(await client.call(name, args), { isError: true, text: expected }, name)
      }
    })

    t.test('a long run goes on after wait_seconds, and can be awaited and cancelled', async t => {
      const started = await client.call('claude_run', {
        prompt: 'silent',
        workspace: 'b',
        wait_seconds: 0,
      })
      t.notOk(started.isError)
      const run_id = String(started.structured?.run_id)
      t.match(started, { text: new RegExp(run_id), structured: { status: 'running' } })
      t.match(await client.call('claude_run', { prompt: 'x', workspace: 'b' }), {
        isError: true,
        text: /workspace busy/,
      })
      const again = await client.call('run_result', { run_id, wait_seconds: '0' })
      t.match(again.structured, { run_id, status: 'running' })
      const waiting = client.call('run_result', { run_id })
      t.match((await client.call('run_cancel', { run_id })).structured, { status: 'cancelled' })
      t.match(await waiting, { isError: true, structured: { run_id, status: 'cancelled' } })
      t.match(await client.call('run_cancel', { run_id }), { isError: true, text: /has ended/ })
    })

    t.test('a client that cancels its request cancels the run', async t => {
      const controller = new AbortController()
      const call = client.call(
        'claude_run',
        { prompt: 'silent', workspace: 'a' },
        { signal: controller.signal },
      )
      call.catch(() => {})
      const running = () => server.starter.count() === 1
      t.ok(await until(running, every))
      controller.abort()
      await t.rejects(call)
      t.ok(await until(() => server.starter.count() === 0, every))
      const { runs } = await server.of('main').list({ limit: 1 })
      t.match(runs, [{ state: 'cancelled', surface: 'mcp' }])
    })

    t.test('progress names the run', async t => {
      const heard: (string | undefined)[] = []
      const onprogress = ({ message }: { message?: string | undefined }) => void heard.push(message)
      const { structured } = await client.call('claude_run', { prompt: 'hello' }, { onprogress })
      t.equal(heard[0], `run ${structured?.run_id} started`)
    })

    t.test('a question is a form for a client that has forms', async t => {
      const forms: unknown[] = []
      const user = await connect(form => {
        forms.push(form)
        return { action: 'accept', content: { choice1: 'SQLite' } }
      })
      const { text } = await user.call('claude_run', { prompt: asking, workspace: 'a' })
      t.match(forms, [
        {
          message: /Which database\?/,
          requestedSchema: { properties: { choice1: { enum: ['PostgreSQL', 'SQLite'] } } },
        },
      ])
      t.match(text, 'SQLite')

      const declining = await connect(() => ({ action: 'decline' }))
      const declined = await declining.call('claude_run', { prompt: asking, workspace: 'a' })
      t.notMatch(declined.text, 'SQLite')
    })

    t.test('a question is a state for a client without forms', async t => {
      const asked = await client.call('claude_run', { prompt: asking, workspace: 'b' })
      const run_id = asked.structured?.run_id
      t.match(asked, {
        text: /Which database\? \(one of: PostgreSQL \| SQLite\)/,
        structured: { status: 'waiting', questions: [{ question: 'Which database?' }] },
      })
      t.match(await client.call('run_answer', { run_id, answers: { Other: 'x' } }), {
        isError: true,
      })
      const answers = { 'Which database?': 'PostgreSQL' }
      t.match(await client.call('run_answer', { run_id, answers }), { text: /PostgreSQL/ })
      t.match(await client.call('run_answer', { run_id, answers }), {
        isError: true,
        text: /does not wait/,
      })
    })
  })

  t.test(`the files: ${generation}`, async t => {
    const folder = realpathSync(
      t.testdir({ main: { a: {}, b: {} }, 'main-evil': { x: 'outside' } }),
    )
    const { port } = await startServer(t, { workspacesFolder: folder })
    const client = await connectMcp(t, generation, { url: `http://127.0.0.1:${port}/mcp`, token })

    t.test('files are stored, listed, read and deleted', async t => {
      const path = 'a/new/notes.txt'
      t.match(await client.call('write_file', { path, content: 'grüße' }), {
        text: JSON.stringify({ status: 'ok', path, size: 7 }),
      })
      t.equal(readFileSync(join(folder, 'main', path), 'utf8'), 'grüße')
      t.match(await client.call('read_file', { path: `/${path}` }), { text: 'grüße' })
      t.match((await client.call('list_files', { path: 'a/new' })).structured, {
        path: 'a/new',
        entries: [{ name: 'notes.txt', type: 'file', size: 7 }],
      })
      const root = JSON.parse((await client.call('list_files', {})).text)
      t.same(root, {
        path: '/',
        entries: [
          { name: 'a', type: 'dir' },
          { name: 'b', type: 'dir' },
        ],
      })
      t.match(await client.call('delete_file', { path }), {
        text: JSON.stringify({ status: 'ok', path }),
      })
      t.match(await client.call('read_file', { path }), { isError: true, text: /not found/ })
      for (const name of ['list_files', 'read_file', 'write_file', 'delete_file']) {
        const args = { path: '../main-evil/x', content: 'x' }
        t.match(
          await client.call(name, args),
          { isError: true, text: 'path outside root workspace' },
          name,
        )
      }
    })
  })
}
