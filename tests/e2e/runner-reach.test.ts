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

t.test('the child of a SessionStart hook ends with its run, and outside of runs', async t => {
  const command = '(setsid sleep 1004 &) ; echo >> /workspace/hooked'
  const settings = { hooks: { SessionStart: [{ hooks: [{ type: 'command', command }] }] } }
  const encoded = Buffer.from(JSON.stringify(settings)).toString('base64')
  await run(`[[bash echo ${encoded} | base64 -d > ~/.claude/settings.json]]`)
  // No process that waits has these tools, and the new one could be kept.
  const { ended } = await run('[[say x]]', { ...fresh, tools: ['Bash'] })
  t.match(ended, { outcome: 'completed' })
  t.ok(Number(ended?.swept) >= 1, `swept ${ended?.swept}`)
  const hooked = async () => Number((await worker('wc -l < /workspace/hooked')).stdout)
  await until('a process for the next run', async () => (await hooked()) >= 2)
  await until('the end of its stray', async () => (await count('sleep 1004')) === 0)
  await run('[[bash rm ~/.claude/settings.json]]')
})

t.test('System V memory does not outlive its run', async t => {
  const listed = 'wc -l < /proc/sysvipc/shm'
  const { toolResults } = await run(`[[bash ipcmk -M 4096 > /dev/null; ${listed}]]`)
  t.equal(toolResults.join(), '2', 'a heading and the memory')
  t.equal((await worker(listed)).stdout, '1\n')
})

/** What a run can do to the runs after it: it has the owner of all their folders. */
const damages = {
  'closes its settings': 'chmod 000 ~/.claude/projects/* ~/.claude/projects ~/.claude',
  'closes its home and the folder above': 'chmod 000 ~ ~/.. $HOME.session',
  'closes its temporary folder and the one above': 'chmod 000 $TMPDIR $TMPDIR/..',
  'closes the workspace': 'chmod 000 /workspace',
  'closes the way to the runner':
    'cd /run/claude-secure; chmod 000 token runner.sock; chmod 000 /run/claude-secure',
  'replaces its settings by a file': 'rm -rf ~/.claude; echo > ~/.claude',
  'replaces its settings by a symlink': 'rm -rf ~/.claude; ln -s /etc ~/.claude',
  'replaces its state by a pipe': 'cd ~/.claude; rm .claude.json; mkfifo .claude.json',
  'breaks its state': 'rm -rf ~/.claude/.claude.json; (sleep 1; echo { > ~/.claude/.claude.json)',
  'fills its settings':
    'cd ~/.claude; seq 3000 | xargs touch; mkdir -p skills; cd skills; seq 3000 | xargs mkdir',
}

for (const [what, command] of Object.entries(damages)) {
  t.test(`after a run that ${what}, the next one works`, async t => {
    await run(`[[bash ${command}]]`)
    // Not in a process that was started before.
    const { result, ended, refused } = await run('[[say fine]]', { maxTurns: 5 })
    t.match({ result, ended, refused }, { result: { result: 'fine' }, refused: undefined })
  })
}

t.test('clear-session, stop and start work after every damage', async t => {
  const closed = 'chmod 000 ~/.claude/projects/* ~/.claude/projects ~/.claude ~ ~/..'
  await run(`[[bash ${closed}]]`)
  t.match(await stack.inside(['sh', '-c', 'rm -rf ~/.claude && touch ~/.claude']), { code: 0 })
  t.match(await stack.cli(['stop']), { code: 0 })
  t.match(await stack.cli(['clear-session', '--force']), {
    code: 0,
    stderr: /deleted the conversations/,
  })
  t.match(await stack.cli(['start', '--detach', '--worker']), { code: 0 })
  t.match((await run('[[say fine]]')).result, { result: 'fine' })
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

t.test('a runner without file descriptors ends itself between runs too', async t => {
  const before = await started()
  t.match(await worker("prlimit --pid $(pgrep -f '[r]unner.js') --nofile=3:3"), { code: 0 })
  await until('a new runner', async () => (await started()) !== before)
  await until('its socket', async () => (await worker('claude-secure-run --status')).code === 0)
  t.match((await run('[[say x]]')).ended, { outcome: 'completed' })
})
