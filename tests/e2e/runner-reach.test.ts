import t from 'tap'
import { must, until } from '../support/stack/process.ts'
import { openRun } from '../support/stack/run-client.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// Attacks of a run on the programs that end it, and on the runs after it.
const stack = await createTestStack(t, { worker: true })
const container = stack.container('worker')
const worker = (script: string) => stack.inside(['bash', '-c', script], { service: 'worker' })
const fresh = { session: { kind: 'fresh' } }
const open = (prompt: string, request: object = fresh) => openRun(container, prompt, request)
const run = (prompt: string, request?: object) => open(prompt, request).done

const started = () => must('docker', ['inspect', '--format', '{{.State.StartedAt}}', container])
const count = async (command: string) =>
  Number((await worker(`pgrep -fc '^${command}$'`)).stdout.trim())

t.test('a runner without file descriptors ends itself and its runs', async t => {
  const before = await started()
  const client = open('[[bash setsid sleep 1003 & sleep 1003]]')
  await until('its processes', async () => (await count('sleep 1003')) === 2)
  // From outside of any run, which cannot do it.
  t.match(await worker("prlimit --pid $(pgrep -f '[r]unner.js') --nofile=3:3"), { code: 0 })
  client.leave()
  await until('a new runner', async () => (await started()) !== before)
  t.notOk((await client.done).ended, 'the old one does not say that the run has ended')
  t.equal(await count('sleep 1003'), 0)
  await until('its socket', async () => (await worker('claude-secure-run --status')).code === 0)
  t.match((await run('[[say x]]')).ended, { outcome: 'completed' })
})
