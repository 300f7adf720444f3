/** Root works in a repository of another user: with that user's keys, logins and settings, and not with root's. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Account } from '../../../src/config/account.ts'
import { readGitConfig } from '../../../src/config/git-config.ts'
import { askedOfHost } from '../../../src/credentials/asked.ts'
import { findSigner } from '../../../src/credentials/signer.ts'
import { tokenFor } from '../../../src/credentials/token-for.ts'
import { createOpenGit } from '../../../src/git/open-git.ts'
import { resolveRemote } from '../../../src/git/resolve-remote.ts'
import { startGitServer } from '../../support/forge/git-server.ts'
import { branch, setUpPush, token } from '../../support/forge/pushing.ts'

const skip = process.getuid?.() === 0 ? false : 'only root works as another user'
// In every passwd of Debian, without a login. ssh-keygen wants an entry.
const [uid, gid] = [1, 1]
const secret = 'the-token-of-root'
process.env.GH_TOKEN = secret

/** The repositories of `setUpPush`, all of them of another user, and that user's home. */
async function setUp(t: Test) {
  const made = await setUpPush(t)
  const { folder } = made
  const home = join(folder, 'home')
  mkdirSync(join(home, '.config/gh'), { recursive: true })
  const rootHome = join(folder, 'root-home')
  mkdirSync(rootHome)
  writeFileSync(join(rootHome, '.netrc'), `machine git.corp.test login r password ${secret}\n`)
  writeFileSync(join(rootHome, '.gitconfig'), '[user]\n\temail = root@x.test\n')
  const before = process.env.HOME
  process.env.HOME = rootHome
  t.teardown(() => {
    process.env.HOME = before
  })
  const account: Account = { uid, gid, name: 'daemon', home }
  const own = () => execFileSync('chown', ['-R', `${uid}:${gid}`, folder])
  chmodSync(folder, 0o755)
  // Named, so that git does not ask whose it is.
  const tip = () =>
    execFileSync('git', ['--git-dir', made.bare, 'rev-parse', branch]).toString().trim()
  return { ...made, home, rootHome, account, own, tip }
}

/** Returns the files below a folder that are not of the account. */
function foreign(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(name => join(folder, String(name)))
    .filter(path => lstatSync(path).uid !== uid)
}

t.test(
  'a push to a folder leaves no file of root, and none in the repository',
  { skip },
  async t => {
    const { pushing, account, own, bare, tip, commit, gitDir } = await setUp(t)
    own()
    t.match(await pushing({ account }), { outcome: 'created' })
    t.equal(tip(), commit)
    t.same(foreign(bare), [])
    t.same(foreign(gitDir), [])
  },
)

t.test(
  'ssh and its settings are those of the owner, without groups or secrets of root',
  { skip },
  async t => {
    const { pushing, account, own, folder, home, tip, commit } = await setUp(t)
    const log = join(home, 'log')
    const ssh = join(home, 'ssh')
    const report = `{ id -u; id -G; echo "$HOME"; env; } > '${log}'`
    const serve = `for last; do :; done; cd '${folder}'; exec sh -c "$last"`
    writeFileSync(ssh, `#!/bin/sh\n${report}\n${serve}\n`, { mode: 0o755 })
    writeFileSync(join(home, '.gitconfig'), `[core]\n\tsshCommand = ${ssh}\n`)
    own()
    const url = 'git@git.corp.test:ada/tools.git'
    t.match(await pushing({ account, url, settings: undefined }), { outcome: 'created' })
    t.equal(tip(), commit)
    const seen = readFileSync(log, 'utf8')
    t.ok(seen.startsWith(`${uid}\n${gid}\n${home}\n`), seen.slice(0, 200))
    t.notMatch(seen, secret)
  },
)

t.test(
  'a fetch has the owner’s settings, and its programs know no secret of root',
  { skip },
  async t => {
    const { account, own, home, work, folder } = await setUp(t)
    const log = join(folder, 'seen')
    const show = join(home, 'ssh')
    writeFileSync(show, `#!/bin/sh\n{ id -u; id -G; env; } > '${log}'\nexit 1\n`, { mode: 0o755 })
    own()
    process.env.GIT_SSH_COMMAND = show
    t.teardown(() => {
      delete process.env.GIT_SSH_COMMAND
    })
    const git = createOpenGit({ folder: work, user: account })
    t.not((await git.call(['ls-remote', 'git@git.corp.test:ada/tools.git'])).code, 0)
    const seen = readFileSync(log, 'utf8')
    t.ok(seen.startsWith(`${uid}\n${gid}\n`), seen.slice(0, 200))
    t.notMatch(seen, secret)
  },
)

t.test('a token is found in the home of the owner, and not in that of root', { skip }, async t => {
  const { account, own, home, rootHome, pushing, folder, tip, commit } = await setUp(t)
  const server = await startGitServer(t, { root: folder, login: `ada:${token}` })
  writeFileSync(join(home, '.gitconfig'), '[credential]\n\thelper = store\n')
  const stored = `https://ada:${token}@${server.host}\n`
  writeFileSync(join(home, '.git-credentials'), stored, { mode: 0o600 })
  writeFileSync(join(home, '.config/gh/hosts.yml'), 'git.gh.test:\n  oauth_token: gho_of_owner\n')
  own()
  // The server's git takes no repository of another user.
  execFileSync('chown', ['-R', '0:0', join(folder, 'ada')])
  const asked = askedOfHost(undefined, account)
  const find = (host: string) => tokenFor(host, asked)
  t.match(await find(server.host), { token, source: /credential helper/ })
  const withoutGh = { ...asked, run: async () => null }
  t.match(await tokenFor('git.gh.test', withoutGh), { token: 'gho_of_owner' })
  t.match(await tokenFor('git.corp.test', askedOfHost()), { token: secret })
  t.equal(await find('git.corp.test'), null)
  // Root could follow where its owner cannot.
  symlinkSync(join(rootHome, '.netrc'), join(home, '.netrc'))
  chownSync(join(rootHome, '.netrc'), 0, 0)
  t.equal(await find('git.corp.test'), null)

  const url = `${server.origin}/ada/tools.git`
  t.match(await pushing({ account, url, login: find }), { outcome: 'created' })
  t.equal(tip(), commit)
})

t.test('the addresses that stand for others are those of the owner', { skip }, async t => {
  const { account, own, home } = await setUp(t)
  const settings = '[url "https://git.corp.test/ada/"]\n\tinsteadOf = work:\n'
  writeFileSync(join(home, '.gitconfig'), settings)
  own()
  t.match(await resolveRemote('work:tools', { account }), { host: 'git.corp.test' })
  t.match(await resolveRemote('work:tools'), { host: 'work' })
})

t.test('commits are signed with the key of the owner', { skip }, async t => {
  const { account, own, home } = await setUp(t)
  const key = join(home, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key])
  const user = `[user]\n\tsigningKey = ${key}.pub\n\temail = ada@x.test\n[gpg]\n\tformat = ssh\n`
  writeFileSync(join(home, '.gitconfig'), user)
  own()
  const signer = await findSigner(process.env, readGitConfig, account)
  t.match(signer, { mail: 'ada@x.test' })
  t.match(await signer.sign(Buffer.from('tree 0\n\nm\n')), /^-----BEGIN SSH SIGNATURE/)
  await t.rejects(findSigner(), { message: /git has no user.signingKey/ })
})

t.test(
  'a repository that its owner cannot reach is refused with the way out',
  { skip },
  async t => {
    const { pushing, account, own, folder } = await setUp(t)
    own()
    chownSync(folder, 0, 0)
    chmodSync(folder, 0o700)
    await t.rejects(pushing({ account }), {
      message: /daemon owns .*\.git and cannot reach it/,
      hint: /chmod a\+x/,
    })
  },
)
