import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createRepositories, gitIn, sessionBranch } from '../../support/git/repositories.ts'
import { beginTurn, contentOf, returnIn, turnsIn } from '../../support/git/turns.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'

const branch = `refs/heads/${sessionBranch}`

/** A name that is no text. */
const bytes = (copy: string) => Buffer.concat([Buffer.from(`${copy}/n`), Buffer.from([0xff, 0x0a])])

async function setUp(t: Test, options: Parameters<typeof createRepositories>[1] = {}) {
  const files = { 'a.txt': 'one\n', 'd/x': 'x\n', '.gitignore': 'ignored*\n' }
  const made = await createRepositories(t, { files, ...options })
  const at = (path: string) => join(made.copy, path)
  const states = () =>
    made
      .agent('for-each-ref', '--format=%(refname)', 'refs/claude-turns/')
      .split('\n')
      .filter(Boolean)
  return { ...made, at, states }
}

t.test('an undo puts back files, branch and what was staged, and a redo too', async t => {
  const { copy, agent, write, commit, at } = await setUp(t)
  write('a.txt', 'one\nuncommitted\n')
  write('staged', 'staged\n')
  agent('add', 'staged')
  write('untracked', 'mine\n')
  writeFileSync(bytes(copy), 'bytes\n')
  symlinkSync('a.txt', at('link'))
  chmodSync(at('untracked'), 0o755)
  write('ignored', 'secret\n')
  const [content, status] = [contentOf(copy), agent('status', '--porcelain')]
  const head = agent('rev-parse', 'HEAD')
  t.match(beginTurn(copy), { status: 0, stdout: '', stderr: '' })

  rmSync(at('d'), { recursive: true })
  write('d', 'now a file\n')
  rmSync(at('link'))
  mkdirSync(at('link'))
  write('link/inside', 'x\n')
  rmSync(bytes(copy))
  chmodSync(at('untracked'), 0o644)
  commit('theirs', { 'a.txt': 'two\n' })
  commit('theirs too', { 'b.txt': 'b\n' })
  agent('switch', '--quiet', '--create', 'elsewhere')
  write('later', 'uncommitted work\n')
  const [after, tip] = [contentOf(copy), agent('rev-parse', 'HEAD')]

  const { shown, ...undone } = returnIn(copy, 1)
  t.match(undone, { status: 0, stdout: 'done 2\n' })
  t.match(shown.stdout, /^gones 2\ngone [0-9a-f]+ theirs%20too\ngone [0-9a-f]+ theirs\n/m)
  t.match(shown.stdout, /^branch refs\/heads\/claude\/test [0-9a-f]+ refs\/heads\/elsewhere$/m)
  t.equal(contentOf(copy), content)
  t.equal(agent('status', '--porcelain'), status)
  t.equal(agent('rev-parse', 'HEAD'), head)
  t.equal(agent('symbolic-ref', 'HEAD').trim(), branch)
  t.equal(agent('rev-parse', 'elsewhere'), tip, 'another branch stays')

  t.match(returnIn(copy, 2, 'redo'), { status: 0, stdout: 'done 3\n' })
  t.equal(contentOf(copy), after)
  t.equal(agent('rev-parse', 'HEAD'), tip)
  t.equal(agent('symbolic-ref', 'HEAD').trim(), 'refs/heads/elsewhere')
})

t.test('a turn touches no file, index, branch or stash of the copy', async t => {
  const { copy, agent, write } = await setUp(t)
  write('a.txt', 'stashed\n')
  agent('stash')
  write('a.txt', 'two\n')
  agent('add', 'a.txt')
  const seen = () => [
    ...['index', 'HEAD', 'config', 'logs/HEAD'].map(name => readFileSync(join(copy, '.git', name))),
    agent('for-each-ref', 'refs/heads', 'refs/stash', 'refs/tags'),
    contentOf(copy),
  ]
  const before = seen()
  t.equal(turnsIn(copy, ['prepare']).status, 0)
  t.equal(beginTurn(copy).stdout, '')
  t.equal(turnsIn(copy, ['show', '1']).status, 0)
  t.same(seen(), before)
})

t.test('no program runs that the copy names', async t => {
  const { copy, agent, write, at } = await setUp(t)
  const canary = join(await temporaryFolder(t, 'canary'), 'canary')
  const program = `touch ${canary}; cat`
  write('.gitattributes', '*.txt filter=evil diff=evil merge=evil ident\n')
  mkdirSync(at('.git/hooks'), { recursive: true })
  for (const name of [
    'reference-transaction',
    'post-index-change',
    'post-checkout',
    'pre-commit',
  ]) {
    writeFileSync(at(`.git/hooks/${name}`), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 })
  }
  const config = {
    ...{
      'filter.evil.clean': program,
      'filter.evil.smudge': program,
      'filter.evil.process': program,
    },
    ...{ 'diff.evil.textconv': program, 'diff.evil.command': program, 'diff.external': program },
    ...{ 'core.fsmonitor': program, 'core.pager': program, 'log.showSignature': 'true' },
    ...{ 'gpg.program': program, 'commit.gpgSign': 'true', 'core.sshCommand': program },
    ...{ 'core.alternateRefsCommand': program, 'core.worktree': '/' },
  }
  // Written as a file: git itself would run some of them.
  for (const [name, value] of Object.entries(config)) {
    const [section = '', ...rest] = name.split('.')
    const key = rest.pop()
    const title = rest.length > 0 ? `[${section} "${rest.join('.')}"]` : `[${section}]`
    appendFileSync(at('.git/config'), `${title}\n\t${key} = ${JSON.stringify(value)}\n`)
  }
  const env = {
    ...{
      GIT_DIR: '/nonexistent',
      GIT_OBJECT_DIRECTORY: '/nonexistent',
      GIT_INDEX_FILE: canary,
      GIT_EXTERNAL_DIFF: program,
    },
    ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'core.fsmonitor', GIT_CONFIG_VALUE_0: program },
  }
  write('a.txt', 'one\r\n$Id$\n')
  t.equal(beginTurn(copy, 'x', env).stdout, '')
  write('a.txt', 'two\n')
  t.match(returnIn(copy, 1), { status: 0, stdout: 'done 2\n' })
  t.equal(readFileSync(at('a.txt'), 'utf8'), 'one\r\n$Id$\n', 'byte by byte')
  t.notOk(existsSync(canary))
  t.ok(agent('rev-parse', '--git-dir'))
})

t.test('files that git converts are kept as they are on disk', async t => {
  const { copy, agent, write, at, commit } = await setUp(t)
  commit('attributes', { '.gitattributes': '*.c eol=crlf\n*.bin filter=up\n', 'm.c': 'a\n' })
  agent('config', 'filter.up.clean', 'tr a-z A-Z')
  agent('config', 'filter.up.smudge', 'tr A-Z a-z')
  write('b.bin', 'content\n')
  rmSync(at('m.c'))
  agent('add', '--all')
  agent('commit', '--quiet', '--message=clean')
  t.equal(agent('show', 'HEAD:b.bin'), 'CONTENT\n')
  beginTurn(copy)
  write('b.bin', 'other\n')
  t.equal(returnIn(copy, 1).stdout, 'done 2\n')
  t.equal(readFileSync(at('b.bin'), 'utf8'), 'content\n')
})

t.test('links of the agent lead nowhere', async t => {
  const outside = await temporaryFolder(t, 'outside')
  writeFileSync(join(outside, 'x'), 'outside\n')
  t.test('a folder that became a link is a folder again', async t => {
    const { copy, at } = await setUp(t)
    beginTurn(copy)
    rmSync(at('d'), { recursive: true })
    symlinkSync(outside, at('d'))
    t.equal(returnIn(copy, 1).stdout, 'done 2\n')
    t.equal(readFileSync(at('d/x'), 'utf8'), 'x\n')
    t.equal(readFileSync(join(outside, 'x'), 'utf8'), 'outside\n')
    t.equal(returnIn(copy, 2, 'redo').stdout, 'done 3\n')
    t.equal(readFileSync(join(outside, 'x'), 'utf8'), 'outside\n')
  })
  for (const name of [
    '',
    '/objects',
    '/refs',
    '/refs/heads',
    '/claude-turns',
    '/claude-turns/info',
  ]) {
    t.test(`.git${name} that is a link is refused`, async t => {
      const { copy, at } = await setUp(t)
      beginTurn(copy)
      const before = readdirSync(outside)
      rmSync(at(`.git${name}`), { recursive: true })
      symlinkSync(outside, at(`.git${name}`))
      t.match(beginTurn(copy), { status: 0, stdout: /^\{"systemMessage":"session undo: .*"\}\n$/ })
      t.match(turnsIn(copy, ['show', '1']).stderr, /is not a folder/)
      t.same(readdirSync(outside), before)
    })
  }
  for (const name of ['config', 'HEAD', 'index', 'lock', 'running', 'config.new', 'input']) {
    t.test(`.git/claude-turns/${name} that is a link is not written through`, async t => {
      const { copy, at } = await setUp(t)
      const target = join(outside, 'file')
      writeFileSync(target, 'outside\n')
      beginTurn(copy)
      rmSync(at(`.git/claude-turns/${name}`), { force: true })
      symlinkSync(target, at(`.git/claude-turns/${name}`))
      t.equal(beginTurn(copy).status, 0)
      t.equal(readFileSync(target, 'utf8'), 'outside\n')
    })
  }
})

t.test('what is no repository, or half of one, is left alone', async t => {
  const { copy, at } = await setUp(t)
  writeFileSync(at('.git/commondir'), '/elsewhere\n')
  t.match(beginTurn(copy), { status: 0, stdout: /part%20of|part of/ })
  rmSync(at('.git'), { recursive: true })
  t.match(beginTurn(copy), { status: 0, stdout: '' })
  t.same(readdirSync(copy).sort(), ['.gitignore', 'a.txt', 'd'])
})

t.test('pipes, sockets and other repositories do not stop a turn', async t => {
  const { copy, write, at } = await setUp(t)
  execFileSync('mkfifo', [at('pipe')])
  gitIn(copy, ['init', '--quiet', 'nested'])
  write('nested/file', 'x\n')
  write('.git/info/exclude', 'excluded\n')
  write('excluded', 'x\n')
  t.equal(beginTurn(copy).stdout, '')
  rmSync(at('a.txt'))
  const { shown, stdout } = returnIn(copy, 1)
  t.equal(stdout, 'done 2\n')
  t.match(shown.stdout, /^files 1\nfile A - - a\.txt|^files 1\nfile A 1 0 a\.txt/m)
  t.match(shown.stdout, /^left nested\/$/m)
  t.equal(readFileSync(at('nested/file'), 'utf8'), 'x\n')
})

t.test('a large file is left out, said, and never removed', async t => {
  const { copy, write, at, agent } = await setUp(t)
  const large = Buffer.alloc(11 * 1024 * 1024)
  write('large', large)
  write('grows', 'small\n')
  beginTurn(copy)
  t.match(agent('log', '-1', '--format=%B', 'refs/claude-turns/1'), /^left large$/m)
  t.equal(agent('ls-tree', '--name-only', 'refs/claude-turns/1', 'large'), '')
  write('large', 'now small\n')
  write('grows', large)
  beginTurn(copy)
  write('a.txt', 'two\n')
  const { shown, stdout } = returnIn(copy, 2)
  t.equal(stdout, 'done 3\n')
  t.match(shown.stdout, /^left grows$/m)
  t.equal(readFileSync(at('a.txt'), 'utf8'), 'one\n')
  t.equal(readFileSync(at('grows')).length, large.length)
  // It was there in the first state, as a large file.
  const first = returnIn(copy, 1)
  t.match(first.stderr, /in the way: grows/)
  rmSync(at('grows'))
  t.equal(returnIn(copy, 1).stdout, 'done 4\n')
  t.equal(readFileSync(at('large'), 'utf8'), 'now small\n')
  t.equal(readFileSync(at('grows'), 'utf8'), 'small\n')
})

t.test('an ignored file is not written over', async t => {
  const { copy, write, at, agent, commit } = await setUp(t)
  commit('forced', { '.gitignore': 'other\n', ignored: 'theirs\n' })
  beginTurn(copy)
  agent('rm', '--quiet', 'ignored')
  commit('removed', { '.gitignore': 'ignored*\n' })
  beginTurn(copy)
  write('ignored', 'mine\n')
  const before = contentOf(copy)
  const { shown, stderr } = returnIn(copy, 1)
  t.match(shown.stdout, /^way ignored$/m)
  t.match(stderr, /a file is in the way: ignored/)
  t.equal(contentOf(copy), before)
  rmSync(at('ignored'))
  t.equal(returnIn(copy, 1).stdout, 'done 3\n')
  t.equal(readFileSync(at('ignored'), 'utf8'), 'theirs\n')
})

t.test('a copy that changed since it was shown is left as it is', async t => {
  const { copy, write, commit, states } = await setUp(t)
  beginTurn(copy)
  write('a.txt', 'two\n')
  const seen = /^seen (\S+)$/m.exec(turnsIn(copy, ['show', '1']).stdout)?.[1] ?? ''
  write('a.txt', 'three\n')
  const before = contentOf(copy)
  t.match(turnsIn(copy, ['apply', '1', 'undo', '1', seen]), { status: 0, stdout: 'changed\n' })
  write('a.txt', 'two\n')
  const id = commit('theirs')
  t.match(turnsIn(copy, ['apply', '1', 'undo', '1', seen]), { status: 0, stdout: 'changed\n' })
  t.equal(gitIn(copy, ['rev-parse', 'HEAD']).trim(), id)
  t.not(contentOf(copy), before)
  t.same(states(), ['refs/claude-turns/1'])
})

t.test('an unfinished rebase is refused', async t => {
  const { copy, commit, agent, states } = await setUp(t)
  beginTurn(copy)
  commit('theirs', { 'a.txt': 'theirs\n' })
  agent('switch', '--quiet', '--create', 'other', 'main')
  commit('other', { 'a.txt': 'other\n' })
  t.throws(() => agent('rebase', sessionBranch))
  t.match(turnsIn(copy, ['show', '1']).stdout, /^unfinished a rebase$/m)
  t.match(returnIn(copy, 1).stderr, /a rebase is not finished/)
  t.same(states(), ['refs/claude-turns/1'])
})

t.test('the newest 50 states are kept', async t => {
  const { copy, write, states, agent } = await setUp(t)
  for (const number of [1, 2, 3]) {
    write('a.txt', `${number}\n`)
    beginTurn(copy)
  }
  agent('update-ref', 'refs/claude-turns/100', 'refs/claude-turns/3')
  agent('update-ref', 'refs/claude-turns/other', 'HEAD')
  agent('update-ref', 'refs/claude-turns/1x/y', 'HEAD')
  for (let number = 101; number < 150; number++) {
    agent('update-ref', `refs/claude-turns/${number}`, 'refs/claude-turns/2')
  }
  beginTurn(copy)
  const numbers = states().flatMap(name => /\/(\d+)$/.exec(name)?.[1] ?? [])
  t.equal(numbers.length, 50)
  t.equal(Math.min(...numbers.map(Number)), 101)
  t.equal(Math.max(...numbers.map(Number)), 150)
  t.match(turnsIn(copy, ['list']).stdout, /^running 1\nstate 101 /)
  turnsIn(copy, ['end'])
  t.match(turnsIn(copy, ['list']).stdout, /^running 0\n/)
})

for (const options of [{ empty: true }, { format: 'sha256' as const }, { shallow: true }]) {
  t.test(`a copy that is ${Object.keys(options)[0]} can be undone`, async t => {
    const { copy, write, commit, agent } = await setUp(t, options)
    write('mine', 'mine\n')
    const content = contentOf(copy)
    t.equal(beginTurn(copy).stdout, '')
    commit('theirs', { 'new.txt': 'x\n' })
    t.equal(returnIn(copy, 1).stdout, 'done 2\n')
    t.equal(contentOf(copy), content)
    t.equal(agent('symbolic-ref', 'HEAD').trim(), branch)
    t.equal(returnIn(copy, 2, 'redo').stdout, 'done 3\n')
    t.match(agent('log', '--format=%s'), /^theirs\n/)
  })
}

t.test('a prompt is kept as a line, and a state of the agent decides nothing', async t => {
  const { copy, agent } = await setUp(t)
  beginTurn(copy, 'first\nhead refs/heads/main\u001b]0;x\u0007 "quoted" é')
  t.notMatch(agent('log', '-1', '--format=%B', 'refs/claude-turns/1'), /^head refs/m)
  const tree = agent('rev-parse', 'HEAD^{tree}').trim()
  const message =
    'turn\nhead main; touch x\nbranch refs/heads/../../evil\nstaged --output=x\nleft ../x\n'
  const planted = agent('commit-tree', '-m', message, tree).trim()
  agent('update-ref', 'refs/claude-turns/2', planted)
  t.match(turnsIn(copy, ['show', '2']).stdout, /^branch - - /m)
  t.match(returnIn(copy, 2).stderr, /the branch could not be moved/)
  t.equal(agent('symbolic-ref', 'HEAD').trim(), branch)
  for (const number of ['', '0', '-1', '--help', '1;x', '../1', '7']) {
    t.equal(turnsIn(copy, ['show', number]).stdout, '', number)
  }
})
