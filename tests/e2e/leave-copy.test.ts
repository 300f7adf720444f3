import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, owner } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { files: { 'a.txt': 'one\n' }, start: false })
const agent = (script: string) => stack.inside(['sh', '-euc', `cd /workspace; ${script}`])
const volumes = async () =>
  (await must('docker', ['volume', 'ls', '--quiet', '--filter', `name=${stack.stack}`]))
    .split('\n')
    .filter(Boolean)
    .map(name => name.slice(stack.stack.length + 1))
    .sort()

const place = {
  cwd: stack.workspace,
  env: {
    PATH: process.env.PATH,
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  },
}

t.test('a copy taken while git collects garbage has every commit', async t => {
  const make = `
    git init --quiet --initial-branch main
    git config user.name t; git config user.email t@t; git config gc.auto 0
    for at in $(seq 20); do
      for file in $(seq 10); do echo "$at $file" > "file$file.txt"; done
      git add .; git commit --quiet --message "$at"
    done
    tar -cf .git/loose.tar .git/objects/??
    git gc --quiet --prune=now`
  await must('sh', ['-euc', make], place)
  const closed = join(stack.workspace, 'of-root.txt')
  await writeFile(closed, 'of root', { mode: 0o600 })
  // Loose objects come and go; each is always in the pack as well.
  const collect = 'while :; do tar -xf .git/loose.tar; git gc --quiet --prune=now || :; done'
  const collecting = spawn('sh', ['-euc', collect], {
    ...place,
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(collecting, 'exit')
  const { code, stderr } = await stack.cli(['start', '--detach', '--copy'])
  process.kill(-(collecting.pid ?? 0), 'SIGKILL')
  await ended
  await rm(closed)
  await must('chown', ['-R', `${owner}:${owner}`, stack.workspace])
  t.equal(code, 0, stderr)
  t.match(stderr, /left out of the copy: .*of-root\.txt/, 'root can read it, the owner cannot')
  t.not((await agent('cat of-root.txt')).code, 0)
  t.match(stderr, /^copied \d[\d,]* files, [\d.]+ [kM]B$/m)
  t.notMatch(stderr, /bug/)
  const log = await agent('id -u; git rev-list --count main; git fsck --no-dangling --no-progress')
  t.match(log, { code: 0, stdout: '4242\n20\n' }, log.stderr)
  t.equal((await agent('git status --short')).stdout, '', 'no lock of the host was copied')
})

t.test('a session says how to leave it before it opens, and at its end what is left', async t => {
  const first = await stack.terminal(['start'])
  await first.waitFor(/Ctrl-\\ leaves the session and Claude continues; \/exit ends it/)
  await first.waitFor(/^\s*[│>❯]/m)
  await agent('echo two > c.txt')
  await first.press('C-\\')
  t.equal(await first.exitStatus(), 0)
  // Long lines are broken anywhere.
  const screen = (await first.screen()).replace(/\s/g, '')
  t.match(screen, /detached:claudecontinues/)
  t.match(screen, /1changedfileisinthecopy:\S*\/claude\.tsdiffshowsthem,.*apply/)
  t.match(screen, /isstillup:\S*\/claude\.tsstartcomesback,\S*\/claude\.tsstopendsit/)

  await t.test('an open session refuses --no-continue and a fresh copy', async t => {
    const other = await stack.terminal(['start', '--no-continue'])
    t.equal(await other.exitStatus(), 1)
    t.match(await other.screen(), /end it with \/exit, or use \/clear in it/)
    isTwoLines(t, await stack.cli(['start', '--detach', '--fresh-copy', '-f']), {
      error: /cannot take a fresh copy: the agent is working in the current copy/,
      hint: /end its session first/,
    })
  })
  const again = await stack.terminal(['start'])
  await again.waitFor(/^\s*[│>❯]/m)
  await agent('rm c.txt')
  await again.submit('/exit')
  await again.exitStatus()
  t.notMatch(await again.screen(), /changed file/)
})

t.test('--fresh-copy asks only when the copy has work that exists nowhere else', async t => {
  const unasked = await stack.cli(['start', '--detach', '--fresh-copy'])
  t.equal(unasked.code, 0, unasked.stderr)
  await agent('echo two > b.txt')
  isTwoLines(t, await stack.cli(['start', '--detach', '--fresh-copy']), {
    error:
      /confirmation required but there is no terminal: Discard the copy, with 1 unapplied change\?/,
    hint: /run it again with -f/,
  })
  const terminal = await stack.terminal(['start', '--detach', '--fresh-copy'])
  await terminal.waitFor(/Discard the copy, with 1 unapplied change\?/)
  await terminal.press('Enter')
  t.equal(await terminal.exitStatus(), 1, 'the default is no')
  t.match(await terminal.screen(), /kept the copy/)
  t.equal((await agent('cat b.txt')).stdout, 'two\n')

  await t.test('an open question blocks no other command, and covers what it showed', async t => {
    const terminal = await stack.terminal(['start', '--detach', '--fresh-copy'])
    await terminal.waitFor(/Discard the copy, with 1 unapplied change\?/)
    const other = await stack.cli(['start', '--detach'])
    t.equal(other.code, 0, other.stderr)
    await agent('echo other > b.txt')
    await terminal.press('y')
    t.equal(await terminal.exitStatus(), 1)
    t.match(await terminal.screen(), /the copy changed meanwhile, and has 1 unapplied change now/)
    t.equal((await agent('cat b.txt; echo two > b.txt')).stdout, 'other\n')
  })
})

t.test('--mount leaves copy mode, asks the same, and keeps the conversations', async t => {
  await agent('mkdir -p ~/.claude/projects/-workspace; echo kept > ~/.claude/projects/-workspace/c')
  isTwoLines(t, await stack.cli(['start', '--detach', '--mount']), {
    error: /no terminal: Discard the copy, with 1 unapplied change\?/,
    hint: /-f/,
  })
  t.equal((await stack.cli(['apply'])).code, 0)
  const { code, stderr } = await stack.cli(['start', '--detach', '--mount'])
  t.equal(code, 0, stderr)
  t.match(stderr, /left copy mode: the agent writes to .* itself/)
  t.equal((await agent('cat ~/.claude/projects/-workspace/c')).stdout, 'kept\n')
  t.equal((await agent('echo three > b.txt')).code, 0)
  t.equal(await readFile(join(stack.workspace, 'b.txt'), 'utf8'), 'three\n')
  t.same(await volumes(), ['home-4242'])

  await t.test('and a plain start stays there', async t => {
    t.equal((await stack.cli(['start', '--detach'])).code, 0)
    const { stdout } = await stack.cli(['status', '--json'])
    t.match(JSON.parse(stdout), { workspaceMode: 'mount' })
  })
})

t.test('--mount contradicts a setting that makes every folder a copy', async t => {
  const env = { ...stack.env, WORKSPACE_MODE: 'copy' }
  const script = join(stack.checkout, 'claude.ts')
  isTwoLines(
    t,
    await run(script, ['start', '--detach', '--mount'], { cwd: stack.workspace, env }),
    {
      error: /--mount contradicts WORKSPACE_MODE=copy/,
      hint: /WORKSPACE_MODE=auto/,
    },
  )
})
