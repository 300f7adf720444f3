import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createClosedGit } from '../../../src/git/closed-git.ts'
import { readCommitFiles } from '../../../src/git/commit-files.ts'
import { type CommitFile, listCommits } from '../../../src/git/commits.ts'
import { findInCommit } from '../../../src/git/findings.ts'
import { openRepository } from '../../../src/git/repository.ts'
import { readTips } from '../../../src/git/tips.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../support/git/repositories.ts'

t.test('a missing object makes git run no transport that the repository names', async t => {
  const { host, commit, deliver } = await createRepositories(t)
  const mark = join(host, '../PLANTED')
  // A partial clone fetches what is missing, and its own setting for a protocol is stronger than that for all.
  for (const [key, value] of [
    ['core.repositoryFormatVersion', '1'],
    ['extensions.partialClone', 'evil'],
    ['remote.evil.promisor', 'true'],
    ['remote.evil.url', `ext::sh -c touch% ${mark}`],
    ['protocol.ext.allow', 'always'],
  ] as const) {
    gitIn(host, ['config', key, value])
  }
  const repository = await openRepository(host)
  const git = createClosedGit(repository)
  t.equal(await git.ask(['cat-file', '-t', '1'.repeat(40)]), null)
  await git.call(['cat-file', '--batch-check'], { input: Buffer.from(`${'2'.repeat(40)}\n`) })
  await git.call(['rev-list', '--objects', '3'.repeat(40)])
  const id = commit('theirs')
  t.equal((await deliver()).after.branch, id)
  t.notOk(existsSync(mark))
})

t.test('a commit of the user that was not sent is not a tip of the session', async t => {
  const { host, commit, deliver, deliverStream, repository } = await createRepositories(t)
  commit('theirs')
  await deliver()
  const before = await readTips(repository, sessionName)
  const secret = gitIn(host, [
    'commit-tree',
    '-m',
    'of the user',
    '-p',
    'HEAD',
    'HEAD^{tree}',
  ]).trim()
  for (const [branch, head] of [
    [secret, '-'],
    ['-', secret],
    [before.branch, secret],
  ]) {
    const stream = (async function* () {
      yield Buffer.from(`tips ${branch} ${head}\n`)
    })()
    await t.rejects(deliverStream(stream), { message: /was not sent/ })
    t.same(await readTips(repository, sessionName), before)
  }
})

t.test('a commit on top of one of the user that was not sent is refused', async t => {
  const { host, agent, copy, deliver, deliverStream, repository } = await createRepositories(t)
  const secret = gitIn(host, ['commit-tree', '-m', 'of the user', '-p', 'HEAD', 'HEAD^{tree}'])
  const tree = agent('rev-parse', 'HEAD^{tree}').trim()
  // The agent knows its id alone, and packs what it has.
  const text = `tree ${tree}\nparent ${secret}author a <a@x.test> 1 +0000\ncommitter a <a@x.test> 1 +0000\n\non top\n`
  const id = gitIn(copy, ['hash-object', '-t', 'commit', '-w', '--stdin'], text).trim()
  const pack = execFileSync('git', ['-C', copy, 'pack-objects', '--stdout', '-q'], {
    input: `${id}\n`,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const stream = (async function* () {
    yield Buffer.from(`tips ${id} -\n# v2 git bundle\n${id} refs/heads/x\n\n`)
    yield pack
  })()
  await t.rejects(deliverStream(stream), {
    message: new RegExp(`${secret.slice(0, 12)} was not sent`),
  })
  t.equal((await readTips(repository, sessionName)).branch, null)
  t.match(gitIn(host, ['cat-file', '--batch-check'], `${id}\n`), 'missing')
  t.equal((await deliver()).after.branch, agent('rev-parse', 'HEAD').trim(), 'others are taken')
})

t.test('a message that fills a review is refused', async t => {
  const { agent, deliver, copy, repository } = await createRepositories(t)
  const tree = agent('rev-parse', 'HEAD^{tree}').trim()
  const id = gitIn(copy, ['commit-tree', '-p', 'HEAD', tree], `fix\n\n${'x'.repeat(60_000)}`)
  agent('update-ref', `refs/heads/${sessionBranch}`, id.trim())
  await t.rejects(deliver(), { message: /commit \w+ has \d+ bytes, more than 60000/ })
  t.equal((await readTips(repository, sessionName)).branch, null)
})

t.test('many findings of one kind do not hide one of another', async t => {
  const { commit, deliver, quarantine, repository } = await createRepositories(t)
  const makefiles = Array.from({ length: 30 }, (_, at) => [`!/${at}/Makefile`, `all: ${at}\n`])
  const token = `ghp_${'a1B2c3D4e5'.repeat(4).slice(0, 36)}`
  commit('many', {
    ...Object.fromEntries(makefiles),
    ...{ '.github/workflows/x.yml': 'on: push\n', 'z.txt': `${token}\n` },
  })
  await deliver()
  const [first] = await listCommits(quarantine.git, await readTips(repository, sessionName))
  if (!first) throw new Error('no commit')
  const { files } = await readCommitFiles(quarantine.git, first)
  const findings = await findInCommit(quarantine.git, files)
  t.match(findings.slice(0, 3), [
    { kind: 'secret', path: 'z.txt' },
    { kind: 'ci', path: '.github/workflows/x.yml' },
    { kind: 'host-file', path: '!/0/Makefile' },
  ])

  // More than are ever told.
  const links = Array.from({ length: 600 }, (_, at) => `link-${at}`).map((path): CommitFile => {
    const counts = { insertions: 1, deletions: 0 }
    return { path, kind: 'added', before: null, after: '120000', blob: '0'.repeat(40), ...counts }
  })
  const flooded = await findInCommit(quarantine.git, [...links, ...files], true)
  t.match(
    flooded.slice(0, 20).find(({ kind }) => kind === 'unread'),
    { path: '*' },
    'there are more',
  )
  t.equal(flooded.length, 500)
  t.match(flooded[0], { kind: 'secret', path: 'z.txt' })
})
