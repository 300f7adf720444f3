import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { push } from '../../src/git/push/push.ts'
import { canary, makeRepositories, runGit } from '../support/forge/repositories.ts'
import { makeKey, startSshServer } from '../support/forge/ssh-server.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { until } from '../support/stack/process.ts'

// A real ssh server on loopback, and the user's real ssh.
const folder = await temporaryFolder(t, 'git-ssh')
const { bare, gitDir, commit, work } = makeRepositories(folder)
const own = makeKey(folder, 'own-key')
const stranger = makeKey(folder, 'key-of-another')
const locked = makeKey(folder, 'locked-key', 'a passphrase')
const server = await startSshServer(t, folder, [own, locked])
const url = `ssh://git@127.0.0.1:${server.port}${bare}`

/** The user's configuration of ssh, with these keys and this host key. */
function sshCommand({ key = own, hostKey = server.publicKey, agent = 'none' } = {}) {
  const known = join(folder, 'known_hosts')
  writeFileSync(known, hostKey && `[127.0.0.1]:${server.port} ${hostKey}\n`)
  const config = join(folder, 'ssh-config')
  const lines = [
    ...[
      `UserKnownHostsFile "${known}"`,
      'GlobalKnownHostsFile /dev/null',
      `IdentityAgent ${agent}`,
    ],
    key === '' ? 'IdentityFile none' : `IdentityFile "${key}"`,
    ...(agent === 'none' ? ['IdentitiesOnly yes'] : []),
    // What a user may have set for all hosts.
    ...['StrictHostKeyChecking no', 'ForwardAgent yes'],
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  return `ssh -F '${config}'`
}

let count = 0
function pushing(more: { key?: string; hostKey?: string; agent?: string } = {}) {
  count++
  return push({
    ...{ gitDir, commit, url, branch: `claude/${count}`, scratch: join(folder, 'scratch') },
    settings: { settings: [], sshCommand: sshCommand(more) },
    login: () => Promise.reject(new Error('ssh needs no token')),
  })
}
const tip = () =>
  runGit(bare, 'for-each-ref', '--format=%(objectname)', `refs/heads/claude/${count}`)

t.test('a key of the user pushes a branch', async t => {
  t.match(await pushing(), { outcome: 'created', defaultBranch: 'main' }, server.log())
  t.equal(tip(), commit)
})

t.test("a key of the user's agent does, and the agent is not forwarded", async t => {
  const socket = join(folder, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  t.teardown(() => agent.kill())
  await until('the agent', async () => existsSync(socket))
  execFileSync('ssh-add', ['-q', own], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
  const forwarded = join(folder, 'forwarded')
  mkdirSync(join(bare, 'hooks'))
  const hook = `#!/bin/sh\necho "$SSH_AUTH_SOCK" > '${forwarded}'\n`
  writeFileSync(join(bare, 'hooks/pre-receive'), hook, { mode: 0o755 })
  t.match(await pushing({ key: '', agent: `"${socket}"` }), { outcome: 'created' })
  t.equal(tip(), commit)
  t.equal(readFileSync(forwarded, 'utf8'), '\n')
})

t.test('an unknown host key, and another one than before, are refused', async t => {
  const other = makeKey(folder, 'another-host-key')
  const [kind, key] = execFileSync('cat', [`${other}.pub`])
    .toString()
    .split(' ')
  for (const hostKey of ['', `${kind} ${key}`]) {
    await t.rejects(pushing({ hostKey }), {
      message: /^the host key of 127\.0\.0\.1 is not known, or is another one than before$/,
      hint: /compare its fingerprint/,
    })
    t.equal(tip(), '')
  }
})

t.test('a foreign key, and one whose passphrase would be asked for, are refused', async t => {
  for (const key of [stranger, locked]) {
    await t.rejects(pushing({ key }), {
      message: /^127\.0\.0\.1 did not accept a key of yours$/,
      hint: /ssh-agent or .*~\/\.ssh\/config/,
    })
    t.equal(tip(), '')
  }
})

t.test('an ssh of the repository does not run', async t => {
  runGit(work, 'config', 'core.sshCommand', canary(folder, 'ssh'))
  runGit(work, 'config', 'remote.target.receivepack', canary(folder, 'receive-pack'))
  t.match(await pushing(), { outcome: 'created' })
  t.same(
    readdirSync(folder).filter(name => name.startsWith('fired-')),
    [],
  )
})
