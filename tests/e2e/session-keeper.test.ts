import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { repository, temporaryFolder } from '../support/stack/checkout.ts'
import { must, run, until } from '../support/stack/process.ts'
import { openTerminal } from '../support/stack/terminal.ts'
import { createTestStack, owner } from '../support/stack/test-stack.ts'

// Attacks of the agent's programs on what keeps its session: tmux, the user's terminal, and the way to it.
const keeper = 65_532
const folder = '/run/claude-secure-session'
const tmux = `${folder}/private/tmux`

/**
 * A program that an earlier session left. It asks for the new session's terminal, and tries to take
 * control of every terminal, for as long as it lives; notes what it got.
 */
const leftover = `
import os, socket, time
seen = set()
def note(line):
    if line not in seen:
        seen.add(line)
        print(line, flush=True)
def ask():
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(1)
        door.connect("${folder}/door")
        note("asked")
        _, fds, _, _ = socket.recv_fds(door, 1, 1)
        note("got the terminal" if fds else "refused")
def take(path):
    terminal = os.open(path, os.O_RDWR)
    if os.tcgetpgrp(terminal) == os.getpid():
        note("controls a terminal")
while not os.path.exists("/workspace/enough"):
    try:
        ask()
    except OSError as error:
        note("refused" if isinstance(error, ConnectionResetError) else "no door")
    if os.fork() == 0:
        os.setsid()
        for name in os.listdir("/dev/pts"):
            try:
                take(f"/dev/pts/{name}")
            except OSError:
                pass
        os._exit(0)
    os.wait()
    time.sleep(0.01)
`

const attack = await readFile(join(repository, 'src/audit/inside/reach.py'), 'utf8')
const stack = await createTestStack(t, {
  files: { 'reach.py': attack, 'leftover.py': leftover },
})
const ready = /^\s*[│>❯]/m
const agent = async (script: string) => {
  const { code, stdout, stderr } = await stack.inside(['bash', '-c', script])
  return { code, text: stdout + stderr }
}
const asKeeper = (...command: string[]) =>
  run('docker', ['exec', '--user', `${keeper}:${keeper}`, stack.container('claude'), ...command])
const claudeRuns = async () => (await agent('pgrep -x claude')).code === 0

t.test('a folder that the agent made first is refused, and never used', async t => {
  for (const squat of [`mkdir -m 0777 ${folder}`, `mkdir /tmp/own; ln -s /tmp/own ${folder}`]) {
    t.equal((await agent(squat)).code, 0)
    const terminal = await stack.terminal(['start'])
    t.equal(await terminal.exitStatus(), 2)
    t.match(
      await terminal.screen(),
      /^error: \/run\/claude-secure-session belongs to another user\nhint: {2}stop the stack, then start it again$/m,
    )
    t.equal((await agent(`ls -A ${folder}/`)).text, '', 'nothing was put there')
    t.notOk(await claudeRuns())
    await agent(`rm -r ${folder}`)
  }
})

t.test('files that never end do not keep a session from opening', async t => {
  const transcripts = '$HOME/.claude/projects/-workspace'
  await agent(
    `mkdir -p ${transcripts}; cd ${transcripts}; mkfifo a.jsonl; ln -s /dev/zero b.jsonl; truncate -s 1T c.jsonl`,
  )
  const terminal = await stack.terminal(['start'])
  await terminal.waitFor(ready)
  await terminal.submit('/exit')
  t.equal(await terminal.exitStatus(), 0)
  await agent(`rm ${transcripts}/?.jsonl`)
})

t.test('a program of an earlier session gets nothing of the next one', async t => {
  await agent('setsid python3 leftover.py > left.log 2>&1 < /dev/null &')
  const left = async () => (await agent('cat left.log')).text
  // As start does it, and slowly: the door stands open for as long as the agent's half does not come.
  const container = stack.container('claude')
  const half = ['exec', '-it', '--user', `${keeper}:${keeper}`, '--workdir', '/', container]
  const terminal = await openTerminal(t, ['docker', ...half, 'claude-secure-session'], {
    cwd: '/',
    env: stack.env,
  })
  await until('a question', async () => /asked\n(?:.*\n)*refused/.test(await left()))
  t.notOk(await claudeRuns(), 'nothing runs in it yet')
  await must('docker', ['exec', '--detach', container, 'claude-secure-session-agent'])
  await terminal.waitFor(ready)
  await agent('touch enough')
  await until('its end', async () => (await agent('pgrep -f leftover.py')).code !== 0)
  t.notMatch(await left(), /got the terminal|controls|Traceback/)
  await terminal.submit('/exit')
  t.equal(await terminal.exitStatus(), 0)
})

t.test('an open session is out of reach of the agent', async t => {
  const raw = join(await temporaryFolder(t, 'raw'), 'output')
  const start = `${join(stack.checkout, 'claude.ts')} start --no-continue`
  const terminal = await openTerminal(t, ['script', '-qfc', start, raw], {
    cwd: stack.workspace,
    env: stack.env,
  })
  await terminal.waitFor(ready)

  await t.test('its processes, terminals and sockets', async t => {
    const { text } = await agent(`python3 reach.py session ${keeper} ${folder}`)
    const lines = text.split('\n')
    t.strictSame(
      lines.filter(line => !line.startsWith('refused')),
      [''],
    )
    // Four processes: the tmux server, its client, the pane's program and the one that started tmux.
    for (const what of ['signals', 'limits', 'trace', 'descriptors', 'memory', 'inputs']) {
      t.equal(lines.filter(line => line.startsWith(`refused ${what} `)).length, 4, what)
    }
    for (const what of ['ttyread', 'ttywrite', 'ttymode']) {
      t.equal(lines.filter(line => line.startsWith(`refused ${what} `)).length, 2, what)
    }
    // What the agent owns is within its reach: the attacks work.
    const own = await agent(`python3 reach.py session ${owner} ${folder}`)
    for (const what of ['signals', 'limits', 'processors', 'iopriority', 'environment']) {
      t.match(own.text, new RegExp(`^reached ${what} `, 'm'))
    }
  })

  await t.test('its tmux', async t => {
    for (const command of ['kill-server', 'send-keys x', 'new-window id', 'list-sessions']) {
      const { code, text } = await agent(`tmux -S ${tmux} ${command}`)
      t.not(code, 0, command)
      t.match(text, /Permission denied/, command)
    }
    t.equal((await asKeeper('tmux', '-S', tmux, 'list-sessions')).code, 0, 'it is there')
  })

  await t.test('and it still answers', async t => {
    await terminal.submit('[[say still-here]]')
    await terminal.waitFor(/^● still-here/m)
    t.pass('it answers')
  })

  await t.test('only redrawn text arrives at the terminal of the user', async t => {
    const sequences = [
      '\\e]0;ESCAPED-title\\a',
      '\\e]2;ESCAPED-name\\e\\\\',
      '\\e]52;c;RVNDQVBFRC1jbGlw\\a',
      '\\ePtmux;\\e\\e]0;ESCAPED-pass\\a\\e\\\\',
      '\\e]8;;http://ESCAPED-link\\e\\\\x\\e]8;;\\e\\\\',
      '\\e_ESCAPED-apc\\e\\\\',
      '\\ekESCAPED-window\\e\\\\',
      // The same in control characters of 8 bits, which tmux takes for a part of the cell before.
      'x\\302\\2350;EIGHT-title\\302\\234',
      'x\\302\\23552;c;RUlHSFQtY2xpcA==\\302\\234',
      'x\\302\\220EIGHT-dcs\\302\\234',
      '\\e]8;;http://ESCAPED-link\\302\\234\\e\\\\x\\e]8;;\\e\\\\',
      'plain-text',
    ].join('')
    const everywhere = `for p in /dev/pts/[0-9]*; do printf '${sequences}' > $p; done`
    const { text } = await agent(everywhere)
    t.match(text, /\/dev\/pts\/\d+: Permission denied/, 'the terminal of the user')
    const output = () => readFile(raw, 'latin1')
    await until('the text', async () => /plain-text/.test(await output()))
    // A link of OSC 8 is redrawn, as a colour is.
    const arrived = await output()
    t.notMatch(arrived, /ESCAPED-(?!link)|RVNDQVBFRC/)
    t.match(arrived, 'EIGHT-title')
    t.notMatch(arrived, /\xc2[\x80-\x9f]/, 'no control characters of 8 bits')
  })

  await t.test('a second start joins it', async t => {
    await terminal.press('C-\\')
    t.equal(await terminal.exitStatus(), 0)
    const second = await stack.terminal(['start'])
    await second.waitFor(/still-here/)
    t.equal((await agent('pgrep -xc claude')).text, '1\n')
    await second.press('C-\\')
    t.equal(await second.exitStatus(), 0)
  })
})

for (const [half, kill, status] of [
  ['the program of the pane', () => asKeeper('pkill', '-9', '-f', 'perl.*claude-secure-pane'), 1],
  ["the agent's half", () => agent('pkill -9 -f perl.*claude-secure-session-agent'), 137],
] as const) {
  t.test(`without ${half} nothing is left of a session`, async t => {
    const terminal = await stack.terminal(['start'])
    await terminal.waitFor(ready)
    t.ok(await claudeRuns())
    t.equal((await kill()).code, 0)
    t.equal(await terminal.exitStatus(), status)
    await until('the end of claude', async () => !(await claudeRuns()))
    await until(
      'the end of tmux',
      async () => (await asKeeper('pgrep', '-u', `${keeper}`, 'tmux')).code !== 0,
    )
  })
}
