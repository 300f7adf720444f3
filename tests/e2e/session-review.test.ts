import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { sessionStack } from '../../src/git/session-record.ts'
import { must, run, until } from '../support/stack/process.ts'
import { attachInternet, createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { files: { 'a.txt': 'one\n' }, start: false })
const workspace = await realpath(stack.workspace)
const name = sessionStack(workspace, 'one').name
t.teardown(() => removeStack(name))

const git = (...args: string[]) =>
  must(
    'setpriv',
    [
      ...['--reuid', String(owner), '--regid', String(owner), '--clear-groups'],
      ...['git', '-c', 'user.name=t', '-c', 'user.email=t@t', ...args],
    ],
    { cwd: stack.workspace, env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' } },
  )
const commit = (message: string) =>
  must('docker', [
    ...['exec', '--workdir', '/workspace', `${name}-claude-1`, 'git'],
    ...[
      '-c',
      'user.name=x',
      '-c',
      'user.email=x@x',
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      message,
    ],
  ])
const tip = () => git('log', '-1', '--format=%s', 'refs/claude/one/branch').catch(() => '')

t.test('a folder without a repository becomes one, after a yes', async t => {
  const terminal = await stack.terminal(['session', 'start', '--detach', '--name', 'one'])
  await terminal.waitFor(/is not a git repository\. Make it one\?/)
  await terminal.press('Enter')
  t.equal(await terminal.exitStatus(), 0)
  t.match(await terminal.screen(), /session one works on branch\s+claude\//)
  await commit('first')
  t.match((await stack.cli(['review', '--stat'])).stdout, /commit [0-9a-f]{12} first/)
})

t.test('an open session brings each commit to the host and rings', async t => {
  await attachInternet({ ...stack, stack: name, container: service => `${name}-${service}-1` })
  const session = await stack.terminal(['session', 'attach', 'one'])
  // The prompt line of Claude Code.
  await session.waitFor(/^\s*[│>❯]/m)
  await commit('while it is open')
  await until('the commit on the host', async () => (await tip()) === 'while it is open\n')

  t.test('an undo takes back what Claude did since the last prompt', async t => {
    const inCopy = async (script: string) =>
      (await run('docker', ['exec', `${name}-claude-1`, 'sh', '-c', `cd /workspace; ${script}`]))
        .stdout
    const states = async () => {
      const { code, stdout, stderr } = await stack.cli(['session', 'undo', '--list', '--json'])
      if (code !== 0) throw new Error(stderr)
      return JSON.parse(stdout)
    }
    // In one line at the prompt: the terminal looks for it before Enter.
    const theirs =
      'rm a.txt mine.txt; git add made.txt; git -c user.name=x -c user.email=x@x commit -qm theirs'
    await inCopy(`printf 'mine\\n' > mine.txt; printf '%s' '${theirs}' > /tmp/theirs`)
    const write = JSON.stringify({ file_path: '/workspace/made.txt', content: 'x' })
    await session.submit(`[[tool Write ${write}]] [[bash sh /tmp/theirs]] [[say all-done]]`)
    await session.waitFor(/^● all-done/m)
    await until('the end of the turn', async () => !(await states()).running)
    t.match(await states(), { states: [{ number: 1, kind: 'turn', prompt: /^\[\[tool Write / }] })
    t.equal(await inCopy('cat made.txt; ls; git log -1 --format=%s'), 'xmade.txt\ntheirs\n')
    await until('the commit on the host', async () => (await tip()) === 'theirs\n')

    const undo = await stack.terminal(['session', 'undo', 'one'])
    await undo.waitFor(/1 commit leaves the branch:\s+[0-9a-f]{10} theirs/)
    const shown = await undo.waitFor(/Undo this in session one\?/)
    t.match(shown, /A a\.txt {2}\+1 -0\nD made\.txt {2}\+0 -1\nA mine\.txt {2}\+1 -0/)
    await undo.type('y')
    t.equal(await undo.exitStatus(), 0)
    t.equal(
      await inCopy('cat a.txt mine.txt; ls; git log -1 --format=%s'),
      'one\nmine\na.txt\nmine.txt\nwhile it is open\n',
    )
    t.equal(await tip(), 'while it is open\n')
    t.match(await git('reflog', '--format=%s', 'refs/claude/one/branch'), /./)

    const redo = await stack.cli(['session', 'redo', 'one', '--yes', '--json'])
    t.match(JSON.parse(redo.stdout), { kind: 'redo', files: 3, commitsBack: 1 })
    t.equal(await tip(), 'theirs\n')
    const again = await stack.cli(['session', 'undo', 'one', '--yes'])
    t.match(again, { code: 0, stderr: /session one is back/ })
    t.equal(await tip(), 'while it is open\n')
    t.match(await stack.cli(['session', 'undo', '-y']), { code: 1, stderr: /no turn to undo/ })
    await inCopy('rm mine.txt')
  })

  t.test('a comment of the review is at the prompt of Claude', async t => {
    const review = await stack.terminal(['review', 'one'])
    await review.waitFor(/\(1\/2\) [0-9a-f]{10}: what next\?/)
    await review.type('c')
    await review.press('Enter')
    await review.waitFor(/\(2\/2\) [0-9a-f]{10}: what next\?/)
    await review.type('m')
    await review.press('Enter')
    await review.waitFor(/Message to Claude:/)
    await review.type('please add a test')
    await review.press('Enter')
    await review.waitFor(/sent to Claude/)
    await session.waitFor(/About commit [0-9a-f]{12}: please add a test/)
    await review.type('q')
    await review.press('Enter')
    t.equal(await review.exitStatus(), 0)
  })

  t.test('a session can be pushed from the review', async t => {
    const bare = join(stack.workspace, '../remote.git')
    await must('git', ['init', '--quiet', '--bare', bare])
    await must('chown', ['-R', `${owner}:${owner}`, bare])
    await git('remote', 'add', 'origin', bare)
    const review = await stack.terminal(['review', 'one'])
    await review.waitFor(/\(1\/2\) [0-9a-f]{10}: what next\?/)
    await review.type('p')
    await review.press('Enter')
    await review.waitFor(/Push 2 commits to origin, branch\s+claude\//)
    await review.type('y')
    await review.waitFor(/was created/)
    await review.type('q')
    await review.press('Enter')
    t.match(await git('-C', bare, 'log', '--all', '--format=%s'), /while it is open/)
  })

  t.test('the last commits are there when the terminal closes', async t => {
    await session.hangUp()
    await commit('after the terminal')
    t.match((await stack.cli(['review', '--stat'])).stdout, /after the terminal/)
    t.equal(await tip(), 'after the terminal\n')
  })
})

t.test('a discarded session is gone with its references', async t => {
  const review = await stack.terminal(['review', 'one'])
  await review.waitFor(/\(1\/3\) [0-9a-f]{10}: what next\?/)
  await review.type('x')
  await review.press('Enter')
  await review.waitFor(/Stop session one and remove it with its 3 commits\?/)
  await review.type('y')
  t.equal(await review.exitStatus(), 0)
  t.equal(await git('for-each-ref', 'refs/claude/'), '')
  t.match(await stack.cli(['session', 'list', '--json']), { code: 0, stdout: /"sessions": \[\]/ })
})
