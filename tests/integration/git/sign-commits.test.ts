import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findSigner } from '../../../src/credentials/signer.ts'
import { createClosedGit } from '../../../src/git/closed-git.ts'
import { signCommits } from '../../../src/git/sign-commits.ts'
import { signedTip } from '../../../src/git/signed-tip.ts'

const mail = 'ada@example.com'

/** A repository with a merge, commits in two names, and a message of bytes. `git` is the user's. */
function start(t: Test, options: readonly string[] = []) {
  const home = mkdtempSync(join(tmpdir(), 'sign-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(home, 'id')])
  const signers = join(home, 'signers')
  writeFileSync(signers, `${mail} ${readFileSync(join(home, 'id.pub'), 'utf8')}`)
  const config = join(home, 'gitconfig')
  writeFileSync(
    config,
    `[user]\n\tname = Ada\n\temail = ${mail}\n\tsigningKey = ${home}/id\n[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tallowedSignersFile = ${signers}\n`,
  )
  const env = { PATH: process.env.PATH, HOME: home, GIT_CONFIG_GLOBAL: config }
  const git = (args: readonly string[], input?: Buffer) =>
    execFileSync('git', ['-C', home, ...args], { env, input, stdio: 'pipe' })
      .toString()
      .trim()
  git(['init', '-q', '-b', 'main', ...options])
  git(['commit', '-q', '--allow-empty', '-m', 'first'])
  git(['switch', '-q', '-c', 'topic'])
  git(
    ['-c', 'i18n.commitEncoding=latin1', 'commit', '-q', '--allow-empty', '-F', '-'],
    Buffer.from('caf\xe9\n\nbody\n', 'latin1'),
  )
  git(['-c', 'user.email=other@example.com', 'commit', '-q', '--allow-empty', '-m', 'of another'])
  git(['switch', '-q', 'main'])
  git(['commit', '-q', '--allow-empty', '-S', '-m', 'signed in the container'])
  git(['merge', '-q', '--no-ff', '-m', 'the merge', 'topic'])
  const signer = () =>
    findSigner(
      env,
      async () => `user.email\n${mail}\0user.signingkey\n${home}/id\0gpg.format\nssh\0`,
    )
  const commits = () =>
    git(['rev-list', '--reverse', '--topo-order', 'main', '^main~2']).split('\n')
  const gitDir = join(home, '.git')
  return { git, signer, commits, gitDir, home, closed: createClosedGit({ gitDir }) }
}

/** A commit without its parents and signature. */
const rest = (raw: string) =>
  raw.replaceAll(/^parent .*\n/gm, '').replace(/^gpgsig.*\n( .*\n)+/m, '')

for (const options of [[], ['--object-format=sha256']]) {
  t.test(`commits are signed with all else unchanged ${options.join('')}`, async t => {
    const { git, signer, commits, closed } = start(t, options)
    const before = commits()
    const { ids, unsigned } = await signCommits(closed, {
      ...{ commits: before, signer: await signer(), known: new Map() },
    })
    t.same([...ids.keys()], before)
    t.same(
      unsigned.map(id => git(['log', '-1', '--format=%s', id])),
      ['of another'],
    )
    for (const [old, id] of ids) {
      const [raw, signed] = [git(['cat-file', 'commit', old]), git(['cat-file', 'commit', id])]
      t.equal(rest(signed), rest(raw))
      t.same(
        signed.match(/^parent .*$/gm),
        raw.match(/^parent .*$/gm)?.map(parent => {
          const [, was = ''] = parent.split(' ')
          return `parent ${ids.get(was) ?? was}`
        }),
      )
      if (unsigned.includes(old)) t.notMatch(signed, /^gpgsig/m)
      else git(['verify-commit', id])
    }
    git(['fsck', '--strict'])
  })
}

t.test('later commits follow those that were signed before', async t => {
  const { git, signer, commits, closed } = start(t)
  const first = await signCommits(closed, {
    ...{ commits: commits(), signer: await signer(), known: new Map() },
  })
  const tip = git(['rev-parse', 'main'])
  git(['commit', '-q', '--allow-empty', '-m', 'later'])
  const later = git(['rev-parse', 'main'])
  const { ids } = await signCommits(closed, {
    ...{ commits: [later], signer: await signer(), known: first.ids },
  })
  t.equal(git(['rev-parse', `${ids.get(later)}^`]), first.ids.get(tip))
  git(['verify-commit', ids.get(later) ?? ''])
})

t.test('a program that the repository names does not sign', async t => {
  const { git, signer, commits, closed } = start(t)
  git(['config', 'gpg.ssh.program', 'false'])
  git(['config', 'gpg.program', 'false'])
  const given = { commits: commits(), signer: await signer(), known: new Map() }
  t.equal((await signCommits(closed, given)).ids.size, given.commits.length)
})

t.test('a tip keeps its id from push to push, and later commits follow it', async t => {
  const { git, signer, gitDir, home } = start(t)
  const base = git(['rev-parse', 'main~2'])
  const record = join(home, 'signed')
  const sign = async (tip: string) =>
    signedTip({ gitDir }, { base, tip, signer: await signer(), record })
  const first = await sign(git(['rev-parse', 'main']))
  git(['verify-commit', first.tip])
  t.equal(first.unsigned.length, 1)
  t.same(await sign(git(['rev-parse', 'main'])), { tip: first.tip, unsigned: [] })
  git(['commit', '-q', '--allow-empty', '-m', 'later'])
  const { tip } = await sign(git(['rev-parse', 'main']))
  t.equal(git(['rev-parse', `${tip}^`]), first.tip)
  t.equal(git(['rev-list', '--count', `${base}..${tip}`]), '5')
  t.equal((await sign(base)).tip, base, 'nothing to sign')
  writeFileSync(record, `damaged\n${'0'.repeat(40)} ${tip}\n`)
  t.equal(
    git(['rev-parse', `${(await sign(git(['rev-parse', 'main']))).tip}^{tree}`]),
    git(['rev-parse', 'main^{tree}']),
  )
})
