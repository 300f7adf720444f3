import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { sessionStack } from '../../src/git/session-record.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'

const files = { 'a.txt': 'one\n', '.gitignore': 'ignored/\n', 'claude-secure.config.json': '{}' }
// Two stacks cannot have the one subnet of the stand-in internet, which is not needed here.
const settings = { EXTERNAL_SUBNET: '' }
const stack = await createTestStack(t, { files, settings, start: false })
const asOwner = ['--reuid', String(owner), '--regid', String(owner), '--clear-groups']
const git = (...args: string[]) =>
  must(
    'setpriv',
    [...asOwner, ...['git', '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]],
    // Its owner may not reach it by its path.
    { cwd: stack.workspace, env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent' } },
  )

await git('init', '--quiet', '--initial-branch=main')
await git('add', 'a.txt', '.gitignore')
await git('commit', '--quiet', '--message=first')
await git('branch', 'other')
await writeFile(join(stack.workspace, 'a.txt'), 'one\nuncommitted\n')
await writeFile(join(stack.workspace, 'untracked.txt'), 'mine\n')

const nameOf = (session: string) => sessionStack(stack.workspace, session).name
for (const session of ['one', 'two', 'three']) t.teardown(() => removeStack(nameOf(session)))

const inside = (session: string, script: string) =>
  run('docker', ['exec', `${nameOf(session)}-claude-1`, 'sh', '-euc', `cd /workspace; ${script}`])
const list = async () => {
  const { code, stdout, stderr } = await stack.cli(['session', 'list', '--json'])
  t.equal(code, 0, stderr)
  return JSON.parse(stdout).sessions
}

t.test('two sessions start on branches of their own, in copies of one repository', async t => {
  const first = await stack.cli(['session', 'start', '--detach', '--name', 'one'])
  t.equal(first.code, 0, first.stderr)
  t.match(first.stderr, /session one works on branch claude\/\d{8}-\d{6} in a copy of /)
  const second = await stack.cli([
    ...['session', 'start', '-d', '-n', 'two', '-b', 'fix/login', '--include-untracked'],
  ])
  t.equal(second.code, 0, second.stderr)
  t.match(await list(), [
    { session: 'two', state: 'running', branch: 'fix/login', commits: 0 },
    { session: 'one', state: 'running', branch: /^claude\//, commits: 0 },
  ])
  const at = 'git branch --show-current; git status --porcelain; ls'
  t.match((await inside('one', at)).stdout, /^claude\/[0-9-]+\n M a\.txt\na\.txt\n$/)
  t.match(
    (await inside('two', at)).stdout,
    /^fix\/login\n M a\.txt\n\?\? claude-secure\.config\.json\n\?\? untracked\.txt/,
  )
})

t.test('a commit of the agent is on a reference of its session, and nowhere else', async t => {
  const before = await git('for-each-ref', 'refs/heads')
  const made = await inside(
    'one',
    `printf 'two\\n' > b.txt; git add b.txt; git -c user.name=x -c user.email=x@x commit -qm theirs
     git branch -f main HEAD; git branch -f other HEAD; git update-ref refs/heads/planted HEAD
     git config core.fsmonitor 'touch /tmp/PLANTED'; printf '#!/bin/sh\\n' > .git/hooks/pre-commit`,
  )
  t.equal(made.code, 0, made.stderr)
  t.match((await list())[1], { session: 'one', commits: 1, last: { subject: 'theirs' } })
  t.equal(await git('for-each-ref', 'refs/heads'), before)
  t.match(await git('show', '--stat', 'refs/claude/one/branch'), /b\.txt/)
  t.equal(await readFile(join(stack.workspace, 'a.txt'), 'utf8'), 'one\nuncommitted\n')
  t.notMatch(await readFile(join(stack.workspace, '.git/config'), 'utf8'), /fsmonitor/)
  const owners = await must('find', [join(stack.workspace, '.git'), '-not', '-uid', String(owner)])
  t.equal(owners, '', 'root made no file in the repository of the user')
})

t.test('a stop takes the last commits, and a start continues with the copy', async t => {
  await inside('one', 'git -c user.name=x -c user.email=x@x commit -q --allow-empty -m last')
  const stopped = await stack.cli(['session', 'stop', 'one'])
  t.equal(stopped.code, 0, stopped.stderr)
  t.match(await git('log', '--format=%s', 'refs/claude/one/branch'), /^last\ntheirs\nfirst\n$/)
  t.match((await list())[1], { session: 'one', state: 'stopped', commits: 2 })
  const kept = await stack.cli(['session', 'clean', 'one'])
  t.match(kept.stderr, /kept one: it has 2 commits that are on no branch/)
  const again = await stack.cli(['session', 'start', '-d', '-n', 'one'])
  t.equal(again.code, 0, again.stderr)
  t.match(again.stderr, /session one continues on branch claude\//)
  t.match((await inside('one', 'git log --format=%s')).stdout, /^last\ntheirs\nfirst\n$/)
})

t.test('commits of a running session are told as they are made', async t => {
  const watch = await stack.terminal(['session', 'watch', 'two'])
  await watch.waitFor(/watching session two/)
  await inside('two', 'git -c user.name=x -c user.email=x@x commit -q --allow-empty -m watched')
  await watch.waitFor(/two: commit [0-9a-f]{10} watched/)
  t.match(await git('log', '--format=%s', 'refs/claude/two/branch'), /^watched\n/)
})

t.test('review shows the commits, and push takes them to a remote', async t => {
  const bare = join(stack.workspace, '../remote.git')
  await must('git', ['init', '--quiet', '--bare', bare])
  await must('chown', ['-R', `${owner}:${owner}`, bare])
  await git('remote', 'add', 'origin', bare)
  const shown = await stack.cli(['review', 'one'])
  t.equal(shown.code, 0, shown.stderr)
  t.match(
    shown.stdout,
    /commit [0-9a-f]{12} theirs\nx <x@x>[\s\S]*A b\.txt {2}\+1 -0[\s\S]*\n\+two\n/,
  )
  const json = JSON.parse((await stack.cli(['review', 'one', '--json'])).stdout)
  t.match(json, { session: { name: 'one' }, commits: [{ subject: 'theirs' }, { subject: 'last' }] })
  const unasked = await stack.cli(['push', 'one'])
  t.match(unasked, { code: 1, stderr: /confirmation required[\s\S]*--yes/ })
  const pushed = await stack.cli(['push', 'one', '--yes', '--json'])
  t.equal(pushed.code, 0, pushed.stderr)
  const { branch, commit } = JSON.parse(pushed.stdout)
  t.equal((await git('-C', bare, 'rev-parse', branch)).trim(), commit)
  const main = await stack.cli(['push', 'one', '--yes', '--branch', 'main'])
  t.match(main, { code: 1, stderr: /main is the branch that you are on/ })
  const pr = await stack.cli(['pr', 'one', '--yes'])
  t.match(pr, { code: 1, stderr: /no GitHub, GitLab, Gitea or Forgejo answers/ })
})

t.test('a session begins with a commit of another one', async t => {
  const { code, stderr } = await stack.cli(['session', 'fork', 'one', '-d', '-n', 'three'])
  t.equal(code, 0, stderr)
  t.match((await inside('three', 'git log --format=%s')).stdout, /^last\ntheirs\nfirst\n$/)
  t.match((await list())[0], { session: 'three', commits: 2 })
  t.equal((await stack.cli(['session', 'stop', 'three'])).code, 0)
})

t.test('clean removes what is stopped and pushed or forced', async t => {
  for (const name of ['one', 'two']) {
    const { code, stderr } = await stack.cli(['session', 'stop', name])
    t.equal(code, 0, stderr)
  }
  await git('branch', 'merged', 'refs/claude/one/branch')
  const pushed = await stack.cli(['push', 'two', '--yes'])
  t.equal(pushed.code, 0, pushed.stderr)
  const unasked = await stack.cli(['session', 'clean', 'two'])
  t.match(
    unasked,
    { code: 1, stderr: /confirmation required but there is no terminal: Remove two/ },
    'it was pushed',
  )
  const cleaned = await stack.cli(['session', 'clean', '--force', 'two'])
  t.equal(cleaned.code, 0, cleaned.stderr)
  t.match(await list(), [{ session: 'three' }, { session: 'one' }])
  t.equal(await git('for-each-ref', 'refs/claude/two/'), '')
  t.match(await git('branch', '--list', 'merged'), 'merged')
})
