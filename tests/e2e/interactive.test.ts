import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must, until } from '../support/stack/process.ts'
import { openTerminal } from '../support/stack/terminal.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { files: { 'welcome.txt': 'read in a real terminal\n' } })

/** The prompt line of Claude Code: no question stood in between. */
const ready = /^\s*[│>❯]/m

t.test('start opens Claude Code without a question, and it answers', async t => {
  const terminal = await stack.terminal(['start'])
  const screen = await terminal.waitFor(ready)
  t.notMatch(screen, /trust|theme|log ?in|API key/i)
  // A message of tmux would stop Claude Code's own output for as long as it shows.
  t.match(
    screen,
    /^Ctrl-\\ leaves the session and Claude continues; \/exit ends it$[\s\S]*^\s*[│>❯]/m,
  )
  await terminal.submit('[[read /workspace/welcome.txt]]')
  await terminal.waitFor(/read in a real terminal/)

  await t.test('a narrower window is redrawn', async t => {
    await terminal.resize(70, 24)
    await terminal.waitFor(ready)
    const lines = (await terminal.screen()).split('\n')
    t.ok(lines.every(line => line.length <= 70))
    await terminal.resize(120, 40)
  })

  await t.test('Ctrl-C reaches Claude Code and stops its answer, not the session', async t => {
    await terminal.submit('[[stream 600 100 10]]')
    await terminal.waitFor(/\.\.5 /)
    await terminal.press('C-c')
    await until('the model to be told', async () =>
      (await stack.internet.modelRequests()).some(({ outcome }) => outcome === 'gone'),
    )
    t.notMatch(await terminal.screen(), /\.\.599/)
    await terminal.waitFor(ready)
    t.pass('back at the prompt')
  })

  await t.test('Ctrl-Z does not freeze the session, nor does a stop signal', async t => {
    await terminal.press('C-z')
    await terminal.waitFor(/Ctrl-Z does not suspend this session/)
    await terminal.submit('[[say after-ctrl-z]]')
    await terminal.waitFor(/^● after-ctrl-z/m)
    // What Claude Code does to itself when the key reaches it, in another encoding for example.
    const stops = 'kill -TSTP -- -$(pgrep -x claude); sleep 0.5; kill -STOP $(pgrep -x claude)'
    t.equal((await stack.inside(['bash', '-c', stops])).code, 0)
    await terminal.submit('[[say after-stops]]')
    await terminal.waitFor(/^● after-stops/m)
    t.pass('it answers')
  })

  await t.test('Ctrl-\\ detaches, and a second start comes back to the same session', async t => {
    await terminal.press('C-\\')
    t.equal(await terminal.exitStatus(), 0)
    const { stdout } = await stack.inside(['pgrep', '-fc', '^claude'])
    t.not(stdout.trim(), '0', 'Claude Code goes on')
    const second = await stack.terminal(['start'])
    await second.waitFor(/read in a real terminal/)

    await t.test('a closed terminal does not end the session either', async t => {
      await second.hangUp()
      const third = await stack.terminal(['start'])
      await third.waitFor(/read in a real terminal/)

      await t.test("claude's exit status is that of start", async t => {
        await third.submit('/exit')
        t.equal(await third.exitStatus(), 0)
      })
    })
  })
})

t.test('the next start continues the conversation; --no-continue begins a new one', async t => {
  const again = await stack.terminal(['start'])
  await again.waitFor(/read in a real terminal/)
  await again.submit('/exit')
  await again.exitStatus()
  const fresh = await stack.terminal(['start', '--no-continue'])
  const screen = await fresh.waitFor(ready)
  t.notMatch(screen, /read in a real terminal/)
})

t.test('a start that was stopped and continued still passes every key on', async t => {
  const note = join(await temporaryFolder(t, 'pid'), 'pid')
  const script = `echo $$ > ${note}; exec ${join(stack.checkout, 'claude.ts')} start`
  const { workspace: cwd, env } = stack
  const terminal = await openTerminal(t, ['sh', '-c', script], { cwd, env })
  await terminal.waitFor(ready)
  const pid = Number(await readFile(note, 'utf8'))
  process.kill(pid, 'SIGSTOP')
  // As a shell does before it gives the prompt.
  const device = await readlink(`/proc/${pid}/fd/0`)
  await must('stty', ['-F', device, 'sane'])
  process.kill(pid, 'SIGCONT')
  const isRaw = async () => (await must('stty', ['-F', device, '-a'])).includes('-icanon')
  await until('raw mode', isRaw)
  await terminal.press('C-c')
  await terminal.waitFor(/again to exit/i)
  await terminal.press('C-\\')
  t.equal(await terminal.exitStatus(), 0)
})

t.test('the terminal of the session has its colours', async t => {
  const env = { ...stack.env, COLORTERM: 'truecolor' }
  await stack.inside(['pkill', '-x', 'claude'])
  // Until its session has ended, start joins it.
  await until(
    'the end of the session',
    async () => (await stack.inside(['pgrep', '^(claude|tmux.*)$'])).code === 1,
  )
  const command = [join(stack.checkout, 'claude.ts'), 'start', '--no-continue']
  const terminal = await openTerminal(t, command, { cwd: stack.workspace, env })
  await terminal.waitFor(ready)
  await terminal.submit('[[bash echo colours: $COLORTERM $TERM]]')
  await terminal.waitFor(/colours: truecolor tmux-256color/)
  await terminal.submit('/exit')
  t.equal(await terminal.exitStatus(), 0)
})

t.test('a terminal that only prints lines is refused in words', async t => {
  const env = { ...stack.env, TERM: 'dumb' }
  const script = join(stack.checkout, 'claude.ts')
  for (const args of [['start'], ['start', '--no-continue'], ['attach', stack.stack]]) {
    // tmux names a terminal of its own, and moves the first line out of a window whose program has ended.
    const command = ['sh', '-c', 'echo; TERM=dumb exec "$@"', 'sh', script, ...args]
    const terminal = await openTerminal(t, command, { cwd: stack.workspace, env })
    t.equal(await terminal.exitStatus(), 1)
    t.match(
      await terminal.screen(),
      /^error: the terminal cannot show a session: TERM=dumb\nhint: /m,
    )
  }
  t.match(await stack.cli(['start', '--detach']), { code: 0 })
})

t.test('Ctrl-Z in the shell stops a program, and nothing stops the shell', async t => {
  const terminal = await stack.terminal(['shell'])
  await terminal.waitFor(/\$/)
  await terminal.type('sleep 1234')
  await terminal.press('Enter')
  await until(
    'the program',
    async () => (await stack.inside(['pgrep', '-fx', 'sleep 1234'])).code === 0,
  )
  await terminal.press('C-z')
  await terminal.waitFor(/Stopped +sleep 1234/)
  await terminal.type('kill %1; suspend')
  await terminal.press('Enter')
  await terminal.type('echo back $((1+1))')
  await terminal.press('Enter')
  await terminal.waitFor(/^back 2/m)
  await terminal.type('exit 5')
  await terminal.press('Enter')
  t.equal(await terminal.exitStatus(), 5)
})

t.test('shell is bash in the container, and its exit status is ours', async t => {
  const terminal = await stack.terminal(['shell'])
  await terminal.waitFor(/\$/)
  await terminal.type('id -u; exit 7')
  await terminal.press('Enter')
  t.equal(await terminal.exitStatus(), 7)
  t.match(await terminal.screen(), /4242/)
  t.equal((await stack.cli(['shell'], { input: 'exit 9\n' })).code, 9)
})
