import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, until } from '../support/stack/process.ts'
import { partsOf } from '../support/stack/run-client.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// Runs as a server starts them: with a request over the runner's socket and no `claude-secure-run` process.
const stack = await createTestStack(t, { worker: true })

const post = `curl -sS -N --unix-socket /run/claude-secure/runner.sock \\
  -H "authorization: Bearer $(cat /run/claude-secure/token)" --data-binary @- http://runner/run`

function openRun(prompt: unknown) {
  const runId = randomBytes(8).toString('hex')
  const request = { prompt, session: { kind: 'fresh' } }
  const child = spawn('docker', [
    ...['exec', '--interactive', stack.container('worker'), 'bash', '-c', post],
  ])
  child.stdin.end(JSON.stringify({ version: 1, runId, workspace: '/workspace', request }))
  return Promise.all([text(child.stdout), text(child.stderr)]).then(([stdout, stderr]) => ({
    ...partsOf(stdout),
    stderr,
  }))
}

type Block = { type: string; text?: string; source?: { media_type: string; data: string } }
type Message = { role: string; content: string | Block[] }

/** The blocks of the user's last message, as they reached the model. */
async function blocksAtModel() {
  const requests = await stack.internet.modelRequests()
  const messages = requests.flatMap(({ body }) =>
    body.includes('[[say seen]]') ? (JSON.parse(body).messages as Message[]) : [],
  )
  return messages.flatMap(({ role, content }) =>
    role === 'user' && Array.isArray(content) ? content : [],
  )
}

const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const pdf = Buffer.from(`%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj
trailer<</Size 4/Root 1 0 R>>
%%EOF
`).toString('base64')

for (const [type, media_type, data] of [
  ['image', 'image/png', png],
  ['document', 'application/pdf', pdf],
] as const) {
  t.test(`${type} block reaches the model as ${type}`, async t => {
    await stack.internet.forgetModelRequests()
    const source = { type: 'base64', media_type, data }
    const { result, ended, stderr } = await openRun([
      { type: 'text', text: 'Look at this. [[say seen]]' },
      { type, source },
    ])
    t.match(ended, { outcome: 'completed' }, stderr)
    t.match(result, { is_error: false, result: 'seen' })
    const blocks = await blocksAtModel()
    const found = blocks.filter(block => block.type === type)
    t.match(found, [{ type, source: { type: 'base64', media_type } }])
    t.equal(found[0]?.source?.data, data, 'byte for byte')
    t.notMatch(
      blocks.map(({ text }) => text).join(),
      data.slice(0, 40),
      'and its data is in no text block',
    )
  })
}

t.test('start, update and clean do not take the stack down during such a run', async t => {
  const settings = join(stack.checkout, '.env')
  const before = await readFile(settings, 'utf8')
  const started = async () =>
    must('docker', ['inspect', '--format', '{{.State.StartedAt}}', stack.container('worker')])
  const since = await started()
  const run = openRun('[[bash until test -e go; do sleep 0.2; done; echo went on]]')
  await until('the run', async () => {
    const { stdout } = await stack.inside(['claude-secure-run', '--status'], { service: 'worker' })
    return JSON.parse(stdout).runs.length === 1
  })
  const { stdout } = await stack.inside(['ps', '-eo', 'args='], { service: 'worker' })
  t.notMatch(stdout, /claude-secure-run( |$)/m, 'no client process shows the run')

  await writeFile(settings, `${before}AGENT_PIDS=700\n`)
  const start = await stack.cli(['start', '--detach'])
  t.equal(start.code, 0, start.stderr)
  t.match(start.stderr, 'a run is in progress, so the stack keeps its current settings')
  isTwoLines(t, await stack.cli(['update']), {
    error: /Claude Code is working in .*: a run is in progress/,
    hint: /stop/,
  })
  const { id } = JSON.parse((await stack.cli(['status', '--json'])).stdout)
  isTwoLines(t, await stack.cli(['clean', '-f', id ?? stack.stack]), {
    error: /is not stopped/,
    hint: /nothing was removed/,
  })
  t.equal(await started(), since, 'the container of the run was not restarted')

  await writeFile(join(stack.workspace, 'go'), '')
  const { ended, toolResults } = await run
  t.match(ended, { outcome: 'completed' })
  t.match(toolResults.join(), 'went on')
  const again = await stack.cli(['start', '--detach'])
  t.equal(again.code, 0, again.stderr)
  t.notMatch(again.stderr, 'keeps its current settings')
  const limit = ['inspect', '--format', '{{.HostConfig.PidsLimit}}', stack.container('claude')]
  t.equal((await must('docker', limit)).trim(), '700', 'the settings apply after the run')
})
