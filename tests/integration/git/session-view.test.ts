import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { UserError } from '../../../src/base/errors.ts'
import { diffCommit } from '../../../src/git/commit-diff.ts'
import { readCommitFiles } from '../../../src/git/commit-files.ts'
import { listSessions, sessionStack, writeSession } from '../../../src/git/session-record.ts'
import { openSessionView } from '../../../src/git/session-view.ts'
import { makeStateFolder, stateFolder } from '../../../src/stack/state/state-folder.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../support/git/repositories.ts'
import { repetitions } from '../../support/soak.ts'

process.env.XDG_STATE_HOME = t.testdir()

async function createSession(t: Test, files?: Record<string, string>) {
  const made = await createRepositories(t, { ...(files && { files }) })
  const { name: stack } = sessionStack(made.host, sessionName)
  await makeStateFolder(stateFolder(stack))
  await writeSession(stack, {
    ...{ version: 1, session: sessionName, folder: made.host, branch: sessionBranch },
    base: gitIn(made.host, ['rev-parse', 'HEAD']).trim(),
    ...{ target: 'main', started: '2026-11-30T08:00:00.000Z', remoteBranch: null },
    ...{ pullRequest: null, mayPush: true, mayOpenPullRequest: true },
  })
  const view = async () => {
    await made.deliver()
    const [session] = await listSessions({ folder: made.host })
    if (!session) throw new Error('no session')
    return openSessionView(session)
  }
  return { ...made, view }
}

t.test('a commit has its message, author, files and patch', async t => {
  const { commit, view } = await createSession(t, { 'a.txt': 'one\ntwo\n', 'gone.txt': 'x\n' })
  commit('first line\n\nand a body\nof two lines', { 'a.txt': 'one\nTWO\nthree\n', 'n.bin': '\0x' })
  const { commits, pushed, unlisted, commit: read, diff, diffAll } = await view()
  t.same({ pushed, unlisted }, { pushed: 1, unlisted: 0 })
  t.match(commits, [
    {
      ...{ subject: 'first line', body: 'and a body\nof two lines', onBranch: true },
      ...{ author: { name: 'a', mail: 'a@x.test' }, at: /^20.*Z$/ },
    },
  ])
  const id = commits[0]?.id ?? ''
  const { files, findings, more } = await read(id.slice(0, 8))
  t.match(files, [
    { path: 'a.txt', kind: 'modified', insertions: 2, deletions: 1, before: '100644' },
    { path: 'n.bin', kind: 'added', insertions: null, before: null, after: '100644' },
  ])
  t.equal(more, false)
  t.match(findings, [{ kind: 'binary', path: 'n.bin' }])
  const { patch, truncated } = await diff(id)
  t.match(patch, /^diff --git a\/a\.txt b\/a\.txt\n[\s\S]*\n-two\n\+TWO\n\+three\n/)
  t.match(patch, 'Binary files /dev/null and b/n.bin differ')
  t.equal(truncated, false)
  t.match((await diffAll()).patch, '+three')
})

t.test('only commits of the session are shown', async t => {
  const { host, commit, view } = await createSession(t)
  commit('theirs')
  const secret = gitIn(host, ['commit-tree', '-m', 'of the user', 'HEAD^{tree}']).trim()
  const { commit: read, diff } = await view()
  for (const wanted of [secret, 'HEAD', 'refs/heads/main', '--output=/tmp/x', '', sessionBranch]) {
    await t.rejects(read(wanted), { message: /has no commit/ })
    await t.rejects(diff(wanted), { message: /has no commit/ })
  }
})

t.test('a commit cannot choose how it is shown', async t => {
  const { host, commit, view } = await createSession(t)
  const mark = join(host, '../PLANTED')
  gitIn(host, ['config', 'diff.evil.command', `touch '${mark}'`])
  gitIn(host, ['config', 'diff.evil.textconv', `touch '${mark}'; true`])
  gitIn(host, ['config', 'filter.evil.smudge', `touch '${mark}'`])
  gitIn(host, ['config', 'diff.external', `touch '${mark}'`])
  writeFileSync(join(host, '.gitattributes'), '* diff=evil filter=evil\n')
  commit('hides', {
    '.gitattributes': '*.js -diff\n*.txt diff=evil filter=evil\n',
    'a.js': 'evil()\n',
    'a.txt': 'changed\n',
  })
  const { commits, diff } = await view()
  const { patch } = await diff(commits[0]?.id ?? '')
  t.match(patch, '+evil()')
  t.match(patch, '-one\n+changed')
  t.notOk(existsSync(mark))
})

t.test('names, messages and files cannot reach the terminal as escapes', async t => {
  const { commit, view, agent, copy } = await createSession(t)
  const sequence = '\u001b]0;title\u0007\u001b[31mred\u202e\u009b2J'
  writeFileSync(join(copy, `esc\u001b[2Jname`), `${sequence}\nbidi \u202e here\n`)
  writeFileSync(
    Buffer.concat([Buffer.from(`${copy}/byte`), Buffer.from([0xe9])]),
    'latin\xe9\n',
    'latin1',
  )
  writeFileSync(join(copy, 'new\nline'), 'x\n')
  agent('add', '--all')
  agent('-c', `user.name=${sequence}`, 'commit', '--quiet', `--message=${sequence}`)
  commit('plain')
  const { commits, commit: read, diff } = await view()
  const hostile = commits[1]?.id ?? ''
  const { patch } = await diff(hostile)
  t.notMatch(patch, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
  t.match(patch, '^[]0;title^G^[[31mred<U+202E><U+009B>2J')
  const { files, findings } = await read(hostile)
  t.same(files.map(({ path }) => path).sort(), ['byte\udce9', 'esc\u001b[2Jname', 'new\nline'])
  t.ok(findings.some(({ kind, path }) => kind === 'hidden-text' && path.startsWith('esc')))
})

t.test('findings name what a host runs, and never the secret itself', async t => {
  const { commit, view, agent } = await createSession(t)
  const token = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`
  commit('many', {
    '.github/workflows/ci.yml': 'on: push\n',
    '.vscode/tasks.json': '{}\n',
    'package-lock.json': '{}\n',
    Makefile: 'all:\n',
    'src/config.ts': `// secretlint-disable\nconst token = '${token}'\n`,
  })
  agent('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},module`)
  agent('update-index', '--chmod=+x', 'a.txt')
  agent('commit', '--quiet', '--message=modes')
  const { commits, commit: read } = await view()
  const { findings } = await read(commits[1]?.id ?? '')
  t.match(
    [...findings].sort((a, b) => (a.path < b.path ? -1 : 1)),
    [
      { kind: 'ci', path: '.github/workflows/ci.yml' },
      { kind: 'host-file', path: '.vscode/tasks.json', detail: /Visual Studio Code/ },
      { kind: 'host-file', path: 'Makefile' },
      { kind: 'lock-file', path: 'package-lock.json' },
      { kind: 'secret', path: 'src/config.ts', detail: 'github credential in the file', line: 2 },
    ],
  )
  t.notMatch(JSON.stringify(findings), token)
  t.match((await read(commits[0]?.id ?? '')).findings, [
    { kind: 'executable', path: 'a.txt' },
    { kind: 'submodule', path: 'module' },
  ])
})

t.test('a long patch ends where the reader said', async t => {
  const { commit, view } = await createSession(t)
  commit('long', { 'long.txt': 'x'.repeat(99).concat('\n').repeat(20_000) })
  const { commits, diff } = await view()
  const { patch, truncated } = await diff(commits[0]?.id ?? '', 10_000)
  t.ok(truncated)
  t.ok(patch.length <= 10_000)
  t.ok(patch.endsWith('\n'))
})

t.test('a large file does not hide what comes after it', async t => {
  const { commit, view } = await createSession(t)
  // More than the patch of a text may have, and full, more than git may hold.
  const size = repetitions({ short: 9, full: 20 }) * 1024 * 1024
  commit('large', { 'aaa.txt': '\n'.repeat(size), 'zzz.js': 'evil()\n' })
  const { commits, commit: read, diff } = await view()
  const id = commits[0]?.id ?? ''
  const { patch, truncated } = await diff(id)
  // Its beginning and its end: tap would compare half a million lines.
  t.match(patch.slice(0, 500), /^Binary files .*aaa\.txt differ$/m)
  t.match(patch.slice(-500), /^\+evil\(\)$/m)
  t.equal(truncated, false)
  const { files, findings, more } = await read(id)
  t.match(files, [
    { path: 'aaa.txt', insertions: null },
    { path: 'zzz.js', insertions: 1 },
  ])
  t.equal(more, false)
  const found = findings.map(({ kind, path }) => `${kind} ${path}`)
  t.same(found.sort(), ['binary aaa.txt', 'unread aaa.txt'])
})

t.test('what git could not show to its end is never taken for the whole', async t => {
  const cut = { stdout: Buffer.from('diff --git a/a b/a\n'), stderr: 'fatal: out of memory' }
  const dying = { call: async () => ({ ...cut, code: 128, truncated: false }) }
  t.match(await diffCommit(dying, { id: 'x' }), { truncated: true })
  t.match(await readCommitFiles(dying, { id: 'x' }), { more: true })
  const slow = { call: () => Promise.reject(new UserError('too slow', { hint: 'wait' })) }
  t.same(await diffCommit(slow, { id: 'x' }), { patch: '', truncated: true })
})

t.test('a tree of many paths is bounded', async t => {
  const { agent, copy, deliver } = await createSession(t)
  // Each level names the one below ten times: a million paths of one file, or ten.
  const levels = repetitions({ short: 6, full: 7 })
  const blob = gitIn(copy, ['hash-object', '-w', '--stdin'], 'x').trim()
  let tree = ''
  for (let depth = 0; depth < levels; depth++) {
    const [mode, type, id] = depth === 0 ? ['100644', 'blob', blob] : ['040000', 'tree', tree]
    const lines = Array.from({ length: 10 }, (_, at) => `${mode} ${type} ${id}\t${at}\n`)
    tree = gitIn(copy, ['mktree'], lines.join('')).trim()
  }
  const bomb = agent('commit-tree', '-m', 'bomb', '-p', 'HEAD', tree).trim()
  agent('update-ref', `refs/heads/${sessionBranch}`, bomb)
  await t.rejects(deliver(), { message: /changed paths at once/ })
})
