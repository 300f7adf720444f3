import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { repository } from '../support/stack/checkout.ts'
import { must, until } from '../support/stack/process.ts'
import { openRun } from '../support/stack/run-client.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// Attacks of a run on the programs that end it, and on the runs after it.
const attack = await readFile(join(repository, 'src/audit/inside/reach.py'), 'utf8')
const stack = await createTestStack(t, { worker: true, files: { 'reach.py': attack } })
const container = stack.container('worker')
const worker = (script: string) => stack.inside(['bash', '-c', script], { service: 'worker' })
const fresh = { session: { kind: 'fresh' } }
const open = (prompt: string, request: object = fresh) => openRun(container, prompt, request)
const run = (prompt: string, request?: object) => open(prompt, request).done

const started = () => must('docker', ['inspect', '--format', '{{.State.StartedAt}}', container])
const count = async (command: string) =>
  Number((await worker(`pgrep -fc '^${command}$'`)).stdout.trim())

t.test('a run cannot limit, trace, signal or slow down what ends it', async t => {
  const enders = '1 $(pgrep -f "[r]unner.js") $(ps -o ppid= $PPID)'
  const { toolResults } = await run(`[[bash python3 reach.py ${enders}]]`)
  const lines = toolResults.join('\n').split('\n')
  t.strictSame(
    lines.filter(line => line.startsWith('reached')),
    [],
  )
  // Eight attacks on each of the three.
  t.ok(lines.filter(line => line.startsWith('refused')).length >= 24, toolResults.join())
})

t.test('a run governs its own processes as anywhere else', async t => {
  const words = [
    'tail -f /dev/null & own=$!',
    'renice -n 15 -p $own > /dev/null && taskset -p 1 $own > /dev/null && ionice -c 3 -p $own && echo SLOWED',
    'kill $own && echo ENDED',
    'prlimit --nofile=100 nice -n 12 taskset 1 true && echo LIMITED',
    'node -e "os.setPriority(15)" && echo NODE',
    'python3 -c "import multiprocessing; print(multiprocessing.Pool(2).map(abs, [-1, -2]))"',
  ].join('; ')
  const { toolResults } = await run(`[[bash ${words}]]`)
  t.equal(toolResults.join(), 'SLOWED\nENDED\nLIMITED\nNODE\n[1, 2]')
})

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
