import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { receiveLimits } from '../../../src/git/receive-limits.ts'
import { readTips } from '../../../src/git/tips.ts'
import {
  createRepositories,
  exported,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../support/git/repositories.ts'
import { repetitions } from '../../support/soak.ts'

const mebibyte = 1024 * 1024

t.test('a commit of the copy is in the repository, on a reference of the session', async t => {
  const { host, commit, deliver, agent } = await createRepositories(t)
  const first = commit('theirs', { 'b.txt': 'two\n' })
  const { before, after } = await deliver()
  t.equal(before.branch, null)
  t.match(after, { branch: first, head: null })
  t.equal(gitIn(host, ['rev-parse', 'refs/claude/test/branch']).trim(), first)
  t.equal(gitIn(host, ['show', `${first}:b.txt`]), 'two\n')
  t.equal(gitIn(host, ['for-each-ref', '--format=%(refname)', 'refs/heads']), 'refs/heads/main\n')
  t.equal(gitIn(host, ['status', '--porcelain']), '', 'the files of the user are as they were')
  t.notOk(existsSync(join(host, 'b.txt')))

  t.test('only what is new comes with the next one', async t => {
    const second = commit('more', { 'c.txt': 'three\n' })
    const objects = gitIn(host, ['count-objects']).split(' ')[0]
    t.equal((await deliver()).after.branch, second)
    const now = gitIn(host, ['count-objects']).split(' ')[0]
    t.equal(Number(now) - Number(objects), 3, 'a commit, a tree and a file')
  })

  t.test('nothing new changes nothing', async t => {
    const { before, after } = await deliver()
    t.same(after, before)
  })

  t.test('a rewritten commit replaces the tip, and the log keeps the old one', async t => {
    const old = (await deliver()).after.branch ?? ''
    agent('commit', '--quiet', '--amend', '--message=better')
    const { after } = await deliver()
    t.not(after.branch, old)
    t.match(gitIn(host, ['reflog', 'show', 'refs/claude/test/branch']), old.slice(0, 7))
  })

  t.test('a tip that goes back to a known commit is told without any object', async t => {
    agent('reset', '--quiet', '--hard', first)
    t.equal((await deliver()).after.branch, first)
  })

  t.test('commits beside the branch are kept apart', async t => {
    agent('switch', '--quiet', '--detach')
    const beside = commit('beside', { 'd.txt': 'four\n' })
    t.match((await deliver()).after, { branch: first, head: beside })
    agent('switch', '--quiet', sessionBranch)
    t.match((await deliver()).after, { branch: first, head: null })
  })

  t.test('a deleted branch is not forgotten by the log of HEAD', async t => {
    agent('switch', '--quiet', '--detach')
    agent('branch', '--quiet', '-D', sessionBranch)
    t.match((await deliver()).after, { branch: null, head: first })
  })
})

t.test('many objects come as one pack', async t => {
  const { host, commit, deliver } = await createRepositories(t)
  const files = Object.fromEntries(
    Array.from({ length: 150 }, (_, at) => [`many/${at}.txt`, `${at}\n`]),
  )
  const id = commit('many', files)
  t.equal((await deliver()).after.branch, id)
  t.equal(readdirSync(join(host, '.git/objects/pack')).filter(f => f.endsWith('.pack')).length, 1)
  t.equal(gitIn(host, ['show', `${id}:many/149.txt`]), '149\n')
  gitIn(host, ['fsck', '--strict', '--no-dangling'])
})

for (const format of ['sha1', 'sha256'] as const) {
  t.test(`a repository of ${format} without commits gets its first one`, async t => {
    const { host, commit, deliver } = await createRepositories(t, { format, empty: true })
    const id = commit('first')
    t.equal((await deliver()).after.branch, id)
    t.equal(gitIn(host, ['log', '--format=%s', id]), 'first\n')
  })
}

t.test('a shallow clone gets commits, also a merge with an unrelated one', async t => {
  const { host, commit, deliver, agent } = await createRepositories(t, { shallow: true })
  commit('theirs', { 'b.txt': 'two\n' })
  const orphan = agent('commit-tree', '-m', 'orphan', 'HEAD^{tree}').trim()
  agent('merge', '--quiet', '--allow-unrelated-histories', '--message=merged', orphan)
  const { after } = await deliver()
  t.equal(gitIn(host, ['log', '-1', '--format=%s', after.branch ?? '']), 'merged\n')
  t.equal(gitIn(host, ['rev-list', '--count', 'HEAD']).trim(), '1', 'it is shallow')
})

t.test('no hook and no other program of the repository runs', async t => {
  const { host, commit, deliver } = await createRepositories(t)
  const mark = join(host, '../PLANTED')
  const script = `#!/bin/sh\ntouch '${mark}'\n`
  for (const hook of ['reference-transaction', 'post-update', 'update', 'pre-receive']) {
    writeFileSync(join(host, '.git/hooks', hook), script, { mode: 0o755 })
  }
  gitIn(host, ['config', 'core.fsmonitor', `touch '${mark}'`])
  gitIn(host, ['config', 'core.alternateRefsCommand', `touch '${mark}'`])
  const id = commit('theirs')
  t.equal((await deliver()).after.branch, id)
  t.notOk(existsSync(mark))
})

t.test('what is refused leaves nothing in the repository', async t => {
  const made = await createRepositories(t)
  const { host, repository, commit, deliver, deliverStream, agent, copy } = made
  const hash = (type: string, content: Buffer | string) =>
    gitIn(copy, ['hash-object', '-t', type, '--literally', '-w', '--stdin'], content).trim()
  const asCommit = (tree: string) => {
    const id = agent('commit-tree', '-m', 'bad', '-p', 'HEAD', tree).trim()
    agent('update-ref', `refs/heads/${sessionBranch}`, id)
    return id
  }
  const entry = (mode: string, name: string | Buffer, id: string) =>
    Buffer.concat([
      Buffer.from(`${mode} `),
      Buffer.from(name),
      Buffer.from([0]),
      Buffer.from(id, 'hex'),
    ])
  const start = agent('rev-parse', 'HEAD').trim()
  const blob = hash('blob', 'x')
  const inner = hash('tree', entry('100644', 'config', blob))
  const cases: [string, () => unknown, RegExp][] = [
    ['a folder .git', () => asCommit(hash('tree', entry('40000', '.git', inner))), /hasDotgit/],
    ['.GIT', () => asCommit(hash('tree', entry('40000', '.GIT', inner))), /hasDotgit/],
    [
      '.git behind a character that some file systems ignore',
      () => asCommit(hash('tree', entry('40000', '.g\u200cit', inner))),
      /hasDotgit/,
    ],
    ['a parent folder', () => asCommit(hash('tree', entry('40000', '..', inner))), /hasDotdot/],
    [
      'a path as a name',
      () => asCommit(hash('tree', entry('100644', 'a/b', blob))),
      /fullPathname/,
    ],
    [
      'a submodule whose address is an option',
      () => {
        const modules = hash('blob', '[submodule "a"]\n\tpath = a\n\turl = -u./payload\n')
        asCommit(hash('tree', entry('100644', '.gitmodules', modules)))
      },
      /gitmodulesUrl/,
    ],
    [
      '.gitmodules as a symlink',
      () => asCommit(hash('tree', entry('120000', '.gitmodules', blob))),
      /gitmodulesSymlink/,
    ],
    [
      'a name that no file can have',
      () => asCommit(hash('tree', entry('100644', 'n'.repeat(300), blob))),
      /too long for a file/,
    ],
    [
      'a file that is too large',
      () => commit('large', { 'large.bin': Buffer.alloc(2_000_000) }),
      /large\.bin has 2000000 bytes/,
    ],
    [
      'too many paths',
      () =>
        commit('paths', Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`p/${at}`, '']))),
      /more than 50 changed paths/,
    ],
    ['too many objects', () => commitEmpty(copy, 101), /objects at once/],
    ['too many commits', () => commitEmpty(copy, 21), /more than 20 commits/],
  ]
  const limits = { ...receiveLimits, file: 1_000_000, paths: 50, objects: 100, commits: 20 }
  for (const [name, plant, message] of cases) {
    t.test(name, async t => {
      agent('reset', '--quiet', '--hard', start)
      plant()
      await t.rejects(deliver(limits), { message })
      t.equal((await readTips(repository, sessionName)).branch, null)
      t.equal(gitIn(host, ['count-objects']).split(' ')[0], '3', 'no object was added')
    })
  }

  t.test('a truncated, a forged and an endless stream', async t => {
    agent('reset', '--quiet', '--hard', start)
    const id = commit('theirs', { 'b.txt': 'x'.repeat(5_000) })
    const chunks: Buffer[] = []
    for await (const chunk of exported(copy, [start])) chunks.push(chunk)
    const whole = Buffer.concat(chunks)
    const from = (bytes: Buffer) => deliverStream(toStream([bytes]), limits)
    await t.rejects(from(whole.subarray(0, -30)), { message: /refused/ })
    await t.rejects(from(whole.subarray(0, 90)), { message: /refused/ })
    const flipped = Buffer.from(whole)
    flipped.writeUInt8((flipped.at(-40) ?? 0) ^ 0xff, flipped.length - 40)
    await t.rejects(from(flipped), { message: /refused/ })
    await t.rejects(from(Buffer.from('x'.repeat(200_000))), { message: /header is too long/ })
    await t.rejects(from(Buffer.from('tips $(id) -\n')), {
      message: /does not begin with the tips/,
    })
    await t.rejects(from(Buffer.from(`tips ${'0'.repeat(40)} -\n`)), { message: /not a commit/ })
    const tree = agent('rev-parse', 'HEAD^{tree}').trim()
    await t.rejects(from(Buffer.from(whole.toString('latin1').replace(id, tree), 'latin1')), {
      message: /not a commit|refused/,
    })
    const small = { ...limits, pack: 4_000 }
    const head = whole.subarray(0, whole.indexOf('PACK') + 100)
    await t.rejects(deliverStream(endless(head), small), { message: /refused/ })
    t.equal(gitIn(host, ['count-objects']).split(' ')[0], '3')
    t.equal(
      (await deliverStream(toStream([whole]), limits)).after.branch,
      id,
      'the whole one is taken',
    )
  })
})

t.test('a small pack that unpacks to a large file is refused', async t => {
  const { host, commit, deliver, agent, copy } = await createRepositories(t)
  // Zeros compress a thousandfold.
  const file = repetitions({ short: 10 * mebibyte, full: receiveLimits.file })
  const zeros = Buffer.alloc(file + mebibyte)
  const blob = gitIn(copy, ['hash-object', '-w', '--stdin'], zeros).trim()
  agent('update-index', '--add', '--cacheinfo', `100644,${blob},zeros`)
  agent('commit', '--quiet', '--message=bomb')
  await t.rejects(deliver({ ...receiveLimits, file }), { message: /refused/ })
  agent('reset', '--quiet', '--hard', 'HEAD^')
  const id = commit('small', { 'b.txt': 'two\n' })
  t.equal((await deliver()).after.branch, id, 'the next one is taken')
  t.notMatch(gitIn(host, ['cat-file', '--batch-all-objects', '--batch-check']), blob)
})

t.test('replaced objects and borrowed ones of the copy count for nothing', async t => {
  const { host, commit, deliver, agent, copy } = await createRepositories(t)
  const honest = commit('honest', { 'a.txt': 'bad\n' })
  const fake = agent('commit-tree', '-m', 'fake', '-p', `${honest}^`, `${honest}^^{tree}`).trim()
  agent('replace', honest, fake)
  writeFileSync(join(copy, '.git/objects/info/alternates'), '/nonexistent/objects\n')
  t.equal((await deliver()).after.branch, honest)
  t.equal(gitIn(host, ['show', `${honest}:a.txt`]), 'bad\n')
  t.notOk(existsSync(join(host, '.git/objects/info/alternates')))
  t.notMatch(gitIn(host, ['for-each-ref']), 'refs/replace')
  t.notMatch(readFileSync(join(host, '.git/config'), 'utf8'), 'alternate')
})

/** Commits nothing so many times, by one program instead of three for each. */
function commitEmpty(copy: string, times: number) {
  const branch = `refs/heads/${sessionBranch}`
  const commits = Array.from({ length: times }, (_, at) =>
    [
      ...[`commit ${branch}`, 'committer a <a@x.test> 1 +0000', 'data 8', 'one more'],
      ...(at === 0 ? [`from ${branch}^0`] : []),
    ].join('\n'),
  )
  gitIn(copy, ['fast-import', '--quiet'], `${commits.join('\n')}\n`)
}

async function* toStream(chunks: readonly Buffer[]) {
  yield* chunks
}

async function* endless(head: Buffer) {
  yield head
  for (;;) yield Buffer.alloc(1_000)
}
