import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run, until } from '../support/stack/process.ts'
import { openTerminal } from '../support/stack/terminal.ts'
import { createTestStack, type TestStack } from '../support/stack/test-stack.ts'

const marker = 'read in a real terminal'
const one = await createTestStack(t, { files: { 'welcome.txt': `${marker}\n` } })
// It never meets the stand-in internet: any subnet will do.
const two = await createTestStack(t, {
  start: false,
  settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '' },
})
const copy = await createTestStack(t, {
  start: false,
  workspaceOwner: 0,
  files: { 'a.txt': 'of the host\n' },
  settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '' },
})
const elsewhere = await temporaryFolder(t, 'elsewhere')
const idOf = ({ stack }: TestStack) => stack.slice(-8)
const from = (stack: TestStack, cwd: string, args: readonly string[]) =>
  run(join(stack.checkout, 'claude.ts'), args, { cwd, env: stack.env })

type Listed = {
  id: string
  workspace: string
  state: string
  session: { since: string } | null
  runs: number
  volumes: string[] | null
}

async function listed(stack: TestStack, ...more: string[]): Promise<Listed | undefined> {
  const { stdout } = await from(one, elsewhere, ['list', '--json', ...more])
  return JSON.parse(stdout).stacks.find(({ id }: Listed) => id === idOf(stack))
}

const ready = /^\s*[│>❯]/m

type Terminal = Awaited<ReturnType<TestStack['terminal']>>

async function leave(terminal: Terminal) {
  await terminal.submit('/exit')
  await terminal.exitStatus()
}

const attached = (t: Test, args: readonly string[]) =>
  openTerminal(t, [join(one.checkout, 'claude.ts'), 'attach', ...args], {
    cwd: elsewhere,
    env: one.env,
  })

/** Files of the home in which a word of the conversation still stands. */
async function remembered(service: 'claude' | 'worker', word: string) {
  const { stdout } = await one.inside(['grep', '-rls', word, '/home/claude'], { service })
  return stdout.trim()
}

async function conversations(): Promise<string[]> {
  const { stdout } = await one.inside([
    ...['sh', '-c', 'ls -t /home/claude/.claude/projects/-workspace 2>/dev/null'],
  ])
  return stdout.split('\n').flatMap(name => /^(.*)\.jsonl$/.exec(name)?.[1] ?? [])
}

t.test('two stacks side by side are listed from any folder', async t => {
  t.equal((await two.cli(['start', '--detach'])).code, 0)
  t.match(await listed(one), { state: 'up', workspace: one.workspace, session: null, runs: 0 })
  t.match(await listed(two), { state: 'up', workspace: two.workspace, session: null })
  const { stdout } = await from(two, elsewhere, ['list'])
  t.match(stdout, `${idOf(one)}  ${one.workspace}`)
})

t.test('attach opens the session of a stack from another folder, by its id', async t => {
  const terminal = await one.terminal(['start'])
  await terminal.waitFor(ready)
  await terminal.submit('[[read /workspace/welcome.txt]]')
  await terminal.waitFor(new RegExp(marker))
  const { session } = (await listed(one)) ?? {}
  t.ok(Math.abs(Date.now() - Date.parse(session?.since ?? '')) < 600_000)
  t.equal((await listed(two))?.session, null)

  const other = await attached(t, [idOf(one)])
  await other.waitFor(new RegExp(marker))
  await other.press('C-\\')
  t.equal(await other.exitStatus(), 0)

  await t.test(
    'attach takes a folder too; without a name, several running stacks are listed',
    async t => {
      const again = await attached(t, [one.workspace])
      await again.waitFor(new RegExp(marker))
      isTwoLines(t, await from(one, elsewhere, ['attach']), {
        error: /nothing is running in /,
        hint: /name one of these: .*[0-9a-f]{8} \//,
      })

      await t.test('clear-session and start --resume are refused while it is open', async t => {
        isTwoLines(t, await one.cli(['clear-session', '-f']), {
          error: /a session is open in .*project/,
          hint: /\/exit/,
        })
        const resumed = await one.terminal([
          ...['start', '--resume', (await conversations())[0] ?? ''],
        ])
        await resumed.waitFor(/hint: +end it with \/exit, or use \/resume in it/)
        t.not(await remembered('claude', marker), '')
      })
      await leave(again)
    },
  )
})

t.test('start --resume continues an older conversation', async t => {
  const [first = ''] = await conversations()
  const fresh = await one.terminal(['start', '--no-continue'])
  t.notMatch(await fresh.waitFor(ready), marker)
  await fresh.submit('another thing')
  await until('a second conversation', async () => (await conversations()).length > 1)
  await leave(fresh)
  t.not((await conversations())[0], first)
  const resumed = await one.terminal(['start', '--resume', first])
  await resumed.waitFor(new RegExp(marker))
  await leave(resumed)
  const unknown = await one.terminal(['start', '-r', '00000000-0000-4000-8000-000000000000'])
  await unknown.waitFor(/hint: +use one of the last: [0-9a-f]{8}-/)
  t.not(await unknown.exitStatus(), 0)
})

t.test('clear-session removes the conversations of a running stack, and asks first', async t => {
  t.equal((await one.cli(['start', '--worker', '--detach'])).code, 0)
  const said = await one.inside(
    ['claude', '--dangerously-skip-permissions', '-p', 'the word is aardvark'],
    { service: 'worker' },
  )
  t.equal(said.code, 0, said.stderr)
  t.not(await remembered('worker', 'aardvark'), '')
  await one.inside(['sh', '-c', 'echo login > /home/claude/.claude/.credentials.json'])
  isTwoLines(t, await one.cli(['clear-session']), {
    error: /confirmation required/,
    hint: /with -f/,
  })
  t.not(await remembered('claude', marker), '', 'nothing was deleted without a yes')

  const { code, stderr } = await one.cli(['clear-session', '--interactive', '-f'])
  t.equal(code, 0, stderr)
  t.match(stderr, /deleted the conversations of sessions/)
  t.equal(await remembered('claude', marker), '')
  t.not(await remembered('worker', 'aardvark'), '', 'runs are another thing')
  t.equal((await one.cli(['clear-session', '--runs', '-f'])).code, 0)
  t.equal(await remembered('worker', 'aardvark'), '')
  const login = await one.inside(['cat', '/home/claude/.claude/.credentials.json'])
  t.equal(login.stdout, 'login\n')
  t.equal((await listed(one))?.state, 'up')

  const next = await one.terminal(['start'])
  const screen = await next.waitFor(ready)
  t.notMatch(screen, marker)
  t.notMatch(screen, /trust|theme|log ?in|API key/i, 'and no question of a first run')
  await next.submit('[[read /workspace/welcome.txt]]')
  await next.waitFor(new RegExp(marker))
  await leave(next)
})

t.test(
  'a run is listed while it is active, and its conversation can be removed afterwards',
  async t => {
    const long = one.cli(['run', '--no-continue', '[[stream 60000 100 100]]'])
    await until('the run to be listed', async () => (await listed(one))?.runs === 1)
    isTwoLines(t, await one.cli(['clear-session', '--runs', '-f']), {
      error: /a run is in progress in this folder/,
      hint: /run cancel --all/,
    })
    t.equal((await one.cli(['run', 'cancel', '--all'])).code, 0)
    await long
    t.equal((await listed(one))?.runs, 0)

    t.equal((await one.cli(['run', '--no-continue', 'the word is zebra [[say ok]]'])).code, 0)
    t.not(await remembered('worker', 'zebra'), '')
    // Kept for the next prompt, with the conversation in its memory.
    t.equal((await one.inside(['pgrep', '-x', 'claude'], { service: 'worker' })).code, 0)
    t.equal((await one.cli(['clear-session', '--runs', '-f'])).code, 0)
    t.equal(await remembered('worker', 'zebra'), '')
    await one.internet.forgetModelRequests()
    const next = await one.cli(['run', '[[say again]]'])
    t.equal(next.stdout, 'again\n', next.stderr)
    t.notMatch(JSON.stringify(await one.internet.modelRequests()), /zebra/)
  },
)

t.test('clear-session works on a stack that is down', async t => {
  t.not(await remembered('claude', marker), '')
  // What an agent can do to be in the way.
  await one.inside(['sh', '-c', 'chmod 500 ~/.claude/projects/*; ln -s /workspace ~/.claude/todos'])
  await one.internet.detach()
  t.equal((await from(two, elsewhere, ['stop', idOf(one)])).code, 0)
  t.match(await listed(one, '-a'), { state: 'stopped', session: null })
  t.equal(await listed(one), undefined)
  const { code, stderr } = await one.cli(['clear-session', '-f'])
  t.equal(code, 0, stderr)
  t.equal((await one.cli(['start', '--detach'])).code, 0)
  t.equal(await remembered('claude', marker), '')
  t.equal((await one.inside(['cat', '/workspace/welcome.txt'])).stdout, `${marker}\n`)
})

const volumesOf = async ({ stack }: TestStack) => {
  const filter = `label=com.docker.compose.project=${stack}`
  const text = await must('docker', ['volume', 'ls', '--quiet', '--filter', filter])
  return text.split('\n').filter(Boolean)
}

t.test('clean keeps a copy with unapplied changes, unless forced', async t => {
  const state = join(copy.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', copy.stack)
  t.equal((await copy.cli(['start', '--detach'])).code, 0)
  isTwoLines(t, await copy.cli(['clean', '-f', idOf(copy)]), {
    error: /is not stopped/,
    hint: /stop [0-9a-f]{8} first/,
  })
  t.equal((await copy.inside(['sh', '-c', 'echo mine >> /workspace/a.txt'])).code, 0)
  t.equal((await copy.cli(['stop'])).code, 0)

  // Sizes are left out when the engine needs more than a moment to count them.
  const { stdout } = await until('a list with sizes', async () => {
    const outcome = await from(copy, elsewhere, ['clean', '--dry-run'])
    t.equal(outcome.code, 0, outcome.stderr)
    return /home \(\d/.test(outcome.stdout) && outcome
  })
  t.match(stdout, `${idOf(copy)}  ${copy.workspace}`)
  t.match(stdout, /the copy of the folder, with 1 unapplied change\n/)
  t.match(stdout, /conversations, and the agent's home \(\d/)
  t.notMatch(stdout, idOf(two), 'what runs is none of its business')
  const refused = await copy.cli(['clean', idOf(copy)])
  isTwoLines(t, refused, { error: /nothing was removed: [0-9a-f]{8} \//, hint: /apply/ })
  t.ok((await volumesOf(copy)).length >= 2)

  await t.test('after apply, a yes is enough', async t => {
    t.equal((await copy.cli(['start', '--detach'])).code, 0)
    t.equal((await copy.cli(['apply'])).code, 0)
    t.equal((await copy.cli(['stop'])).code, 0)
    const terminal = await copy.terminal(['clean', copy.workspace])
    await terminal.waitFor(
      /without unapplied changes[\s\S]*Permanently remove this data of 1 stack\?/,
    )
    await terminal.press('y')
    t.equal(await terminal.exitStatus(), 0)
    t.same(await volumesOf(copy), [])
    t.same(await readdir(state).catch(() => ['usage']), ['usage'])
    t.equal(await readFile(join(copy.workspace, 'a.txt'), 'utf8'), 'of the host\nmine\n')
    t.equal(await listed(copy, '-a'), undefined)
  })

  await t.test('-f removes unapplied changes too, and start takes a new copy', async t => {
    t.equal((await copy.cli(['start', '--detach'])).code, 0)
    t.equal((await copy.inside(['sh', '-c', 'echo lost >> /workspace/a.txt'])).code, 0)
    t.equal((await copy.cli(['stop'])).code, 0)
    const forced = await from(copy, elsewhere, ['clean', '-f', idOf(copy)])
    t.equal(forced.code, 0, forced.stderr)
    t.same(await volumesOf(copy), [])
    t.equal((await copy.cli(['start', '--detach'])).code, 0)
    t.equal((await copy.inside(['cat', '/workspace/a.txt'])).stdout, 'of the host\nmine\n')
  })
  t.equal((await listed(two))?.state, 'up')
  // By the volumes of this copy: other stacks of the machine may be looked at in this moment.
  const filters = (await volumesOf(copy)).flatMap(name => ['--filter', `volume=${name}`])
  const thrown = ['--filter', 'label=claude-secure.throw-away', ...filters]
  t.equal(await must('docker', ['ps', '-aq', ...thrown]), '', 'nothing of the looking is left')
})
