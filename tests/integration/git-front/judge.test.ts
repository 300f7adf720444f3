import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { judge, runShellAlias } from '../../../src/git-front/judge.ts'
import { createAskGit, pathsBelow } from '../../../src/git-front/repository.ts'
import { renderRefusal } from '../../../src/git-front/verdict.ts'

const env = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap(who => [
      [`GIT_${who}_NAME`, 'a'],
      [`GIT_${who}_EMAIL`, 'a@x.test'],
    ]),
  ),
}
const paths = ['.git/config', '.vscode', '.idea', '.mcp.json']

function commands(folder: string) {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, env, stdio: 'pipe' })
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text)
  return { git, write }
}

const template = t.testdir({ 'a.txt': 'a', '.vscode': { 'tasks.json': '1' } })
makeTemplate()

/** A repository whose branch `theirs` changes a protected file, and `plain` another one. */
function makeTemplate() {
  const { git, write } = commands(template)
  const commit = (message: string) => {
    git('add', '.')
    git('commit', '--quiet', `--message=${message}`)
  }
  git('init', '--quiet', '--initial-branch=main')
  commit('one')
  git('switch', '--quiet', '--create=plain')
  write('a.txt', 'b')
  commit('plain')
  git('switch', '--quiet', '--create=theirs', 'main')
  write('.vscode/tasks.json', '2')
  commit('theirs')
  write('c.txt', 'c')
  commit('more')
  git('switch', '--quiet', 'main')
  git('config', 'alias.sw', 'switch --quiet')
  git('config', 'alias.shell', '!git switch theirs')
  mkdirSync(join(template, '.idea'))
}

/** Copies the repository: making it starts twenty programs. */
function repository(t: Test) {
  const folder = t.testdir({})
  cpSync(template, folder, { recursive: true })
  const { git, write } = commands(folder)
  // The index knows the files of the template by their inodes.
  git('update-index', '--refresh')
  const verdict = (line: string, more: readonly string[] = []) =>
    judge(
      ['-C', folder, ...line.split(' ')],
      { workspace: folder, paths: [...paths, ...more] },
      globals => createAskGit(globals, 'git'),
    ).verdict
  return { folder, git, write, verdict }
}

const refused = { kind: 'refuse', changes: ['.vscode/tasks.json'] }

t.test('what changes a protected file is refused, in every form', async t => {
  const { verdict } = repository(t)
  for (const line of `switch theirs;switch --detach theirs~1;switch -c x theirs;checkout theirs;sw theirs
checkout -b x theirs;checkout theirs -- .vscode;checkout theirs .;restore -s theirs .;reset --hard theirs;rm -r .
reset --keep theirs;merge theirs;merge --squash theirs~1;rebase theirs;rebase --onto theirs main
cherry-pick theirs~1;cherry-pick main..theirs;revert theirs~1;bisect start theirs main`.split(
    /[;\n]/,
  )) {
    t.match(verdict(line), refused, line)
  }
})

t.test('everything else passes', async t => {
  const { verdict } = repository(t)
  for (const line of `switch plain;switch -c x;checkout plain;checkout -b x plain;checkout a.txt;sw plain
checkout theirs -- c.txt;restore .;restore --staged -s theirs .;reset theirs;reset --hard;reset --hard plain
merge plain;rebase plain;rebase main;cherry-pick theirs;revert plain;bisect start plain main;stash;shell -h
switch nowhere;worktree add x theirs;merge --abort;status;rm a.txt;rm -r --cached .;switch --help;stash list;clean -ndX`.split(
    /[;\n]/,
  )) {
    t.same(verdict(line), { kind: 'pass' }, line)
  }
})

t.test('git in a shell alias is a call of its own', async t => {
  const { verdict, git, folder } = repository(t)
  const ran = verdict('shell a b')
  if (ran.kind !== 'run') return t.fail(ran.kind)
  const [option, alias = '', ...words] = ran.args
  t.match(alias, /^alias\.shell=!PATH='.+':"\$PATH"; export PATH; git switch theirs$/)
  t.strictSame([option, ...words], ['-c', 'shell', 'a', 'b'])
  // The real git, with a front that comes first in PATH.
  const front = join(folder, 'front')
  mkdirSync(front)
  writeFileSync(join(front, 'git'), '#!/bin/sh\necho front "$@"\n', { mode: 0o755 })
  const call = { globals: [], command: 'loud', args: ["it's", '$HOME'] }
  const loud = runShellAlias(call, 'f() { git "$@"; }; f switch', `${front}:${process.env.PATH}`)
  if (loud.kind !== 'run') return t.fail(loud.kind)
  t.equal(`${git(...loud.args)}`, "front switch it's $HOME\n")
})

t.test('an empty folder in place of a protected file is left out of clean and stash', async t => {
  const { verdict, write } = repository(t)
  t.match(verdict('clean -fdx'), { kind: 'run', args: ['clean', '-e', '/.idea/', '-fdx'] })
  t.match(verdict('stash -u'), { kind: 'run', args: ['stash', '-u'], excludes: ['.idea'] })
  t.match(verdict('stash save -u message'), { kind: 'run' }, 'a word of save is not a path')
  t.match(verdict('stash push --all'), { kind: 'forbid', hint: /git stash -u/ })
  write('.idea/workspace.xml', '')
  t.match(verdict('clean -fd'), { kind: 'refuse', changes: ['.idea'], hint: /-e \/\.idea/ })
  for (const line of ['stash -u', 'stash push -u .', 'stash push -u -- .idea'])
    t.match(verdict(line), { kind: 'refuse', changes: ['.idea/workspace.xml'], hint: /push -u --/ })
  t.same(verdict('stash push -u -- . :!.idea'), { kind: 'pass' })
  t.same(verdict('clean -f'), { kind: 'pass' }, 'without -d, folders stay')
})

t.test('uncommitted changes to protected files are not thrown away', async t => {
  const { verdict, write } = repository(t)
  write('.vscode/tasks.json', 'mine')
  for (const line of [
    'stash',
    'restore .',
    'checkout .',
    'checkout -f',
    'reset --hard',
    'rebase --autostash plain',
  ])
    t.match(verdict(line), refused, line)
  for (const line of ['switch plain', 'restore a.txt', 'merge plain', 'stash push a.txt'])
    t.same(verdict(line), { kind: 'pass' }, line)
})

t.test('stashes and patches that bring protected files', async t => {
  const { verdict, write, git, folder } = repository(t)
  write('.vscode/tasks.json', 'mine')
  git('stash')
  t.match(verdict('stash pop'), refused)
  t.match(verdict('stash apply 0'), refused)
  t.match(verdict('stash branch x'), refused)
  writeFileSync(join(folder, 'p'), git('diff', 'main', 'theirs'))
  t.match(verdict('apply p'), refused)
  t.same(verdict('apply --check p'), { kind: 'pass' })
})

t.test('a pull is judged by what it brings', async t => {
  const { verdict, git, folder } = repository(t)
  for (const form of ['--no-rebase', '--rebase', '--ff-only']) {
    t.match(verdict(`pull ${form} ${folder} theirs`), refused, form)
    t.same(verdict(`pull ${form} ${folder} plain`), { kind: 'pass' }, form)
  }
  git('config', 'pull.rebase', 'true')
  t.match(verdict(`pull ${folder} theirs`), refused)
  git('config', 'remote.all.url', folder)
  git('config', 'remote.all.fetch', '+refs/heads/*:refs/remotes/all/*')
  t.same(verdict('pull all'), { kind: 'pass' }, 'fetched, but nothing of it is to be merged')
  t.same(verdict('pull nowhere'), { kind: 'pass' }, 'git says itself what fails')
})

t.test('an upstream cannot be written while the configuration is closed', async t => {
  const { verdict } = repository(t)
  t.match(verdict('switch -t plain'), { kind: 'forbid', hint: /without --track/ })
  t.match(verdict('checkout --track=direct -b x plain'), { kind: 'forbid' })
  t.same(verdict('checkout -- -t'), { kind: 'pass' })
})

t.test('only paths of this working tree count', async t => {
  t.same(pathsBelow('/workspace', '/workspace', ['.vscode', 'a/b']), ['.vscode', 'a/b'])
  t.same(pathsBelow('/workspace/lib', '/workspace', ['.vscode', 'lib/x']), ['x'])
  t.same(pathsBelow('/', '/workspace', ['.vscode']), ['workspace/.vscode'])
})

t.test('a refusal names what would change and what helps', async t => {
  const call = { globals: [], command: 'switch', args: ['theirs\u001b[2J'] }
  const changes = [
    '.husky/x',
    `.vscode/${'a'.repeat(300)}`,
    '.vscode/b',
    '.vscode/c',
    '.vscode/d',
    '.vscode/e',
  ]
  const [error, hint] = renderRefusal(call, { changes })
  t.match(error, /^error: git switch theirs.* would change \.husky\/x, .* and 1 more.* nothing was/)
  t.notMatch(error, '\u001b')
  t.match(hint, 'PROTECT=-.git,-.vscode in .env')
  const [, both] = renderRefusal(call, { changes: ['.tool/x', '.vscode/b'] }, ['.tool'])
  t.match(both, 'set PROTECT=-.vscode and remove .tool from PROTECT_ALSO in .env')
  const [, added] = renderRefusal(call, { changes: ['.tool'] }, ['.tool'])
  t.match(added, 'or to remove .tool from PROTECT_ALSO in .env')
})
