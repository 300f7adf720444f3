import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findSigner } from '../../../src/credentials/signer.ts'

const payload = Buffer.from('tree 0\n\nmessage\n')
const mail = 'ada@example.com'

/** Signs with a configuration of git, whose names and values these are. */
function signer(env: NodeJS.ProcessEnv, config: Record<string, string>) {
  const entries = Object.entries({ 'user.email': mail, ...config })
  const listed = entries.map(([name, value]) => `${name}\n${value}\0`).join('')
  return findSigner({ PATH: process.env.PATH, ...env }, async () => listed)
}

function folder(t: Test): string {
  // Short: a socket of gpg's agent is in it.
  const path = mkdtempSync(join(tmpdir(), 'sign-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function newKey(home: string): string {
  const key = join(home, 'id')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key])
  writeFileSync(join(home, 'signers'), `${mail} ${readFileSync(`${key}.pub`, 'utf8')}`)
  return key
}

function verifyBySsh(home: string, signature: string) {
  writeFileSync(join(home, 'signature'), `${signature}\n`)
  const args = ['-Y', 'verify', '-n', 'git', '-f', join(home, 'signers'), '-I', mail]
  execFileSync('ssh-keygen', [...args, '-s', join(home, 'signature')], {
    input: payload,
    stdio: 'pipe',
  })
}

t.test('an ssh key of a file signs', async t => {
  const home = folder(t)
  const key = newKey(home)
  const found = await signer({ HOME: home }, { 'gpg.format': 'ssh', 'user.signingkey': '~/id' })
  t.match(found, { what: 'the ssh key ~/id', mail })
  verifyBySsh(home, await found.sign(payload))
  const byPublic = await signer({}, { 'gpg.format': 'ssh', 'user.signingkey': `${key}.pub` })
  verifyBySsh(home, await byPublic.sign(payload))
})

t.test('an ssh key that only the agent has signs', async t => {
  const home = folder(t)
  const key = newKey(home)
  const socket = join(home, 'agent')
  const started = execFileSync('ssh-agent', ['-s', '-a', socket]).toString()
  t.teardown(() => process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1])))
  execFileSync('ssh-add', ['-q', key], {
    env: { ...process.env, SSH_AUTH_SOCK: socket },
    stdio: 'pipe',
  })
  const text = readFileSync(`${key}.pub`, 'utf8').trim()
  rmSync(key)
  const env = { HOME: home, SSH_AUTH_SOCK: socket }
  for (const value of [`key::${text}`, text]) {
    const found = await signer(env, { 'gpg.format': 'ssh', 'user.signingkey': value })
    verifyBySsh(home, await found.sign(payload))
  }
})

t.test('a GPG key signs', async t => {
  const home = folder(t)
  const env = { ...process.env, GNUPGHOME: home }
  const gpg = (args: string[], input?: Buffer) =>
    execFileSync('gpg', ['--batch', '--quiet', ...args], { env, input, stdio: 'pipe' })
  gpg(['--passphrase', '', '--quick-generate-key', `Ada <${mail}>`, 'ed25519', 'sign', 'never'])
  t.teardown(() => execFileSync('gpgconf', ['--kill', 'all'], { env }))
  const found = await signer({ HOME: home, GNUPGHOME: home }, { 'user.signingkey': mail })
  writeFileSync(join(home, 'signature'), await found.sign(payload))
  writeFileSync(join(home, 'payload'), payload)
  gpg(['--verify', join(home, 'signature'), join(home, 'payload')])
})

t.test('without a key, or with one that cannot sign, the error has a next step', async t => {
  const hint = /git config --global user\.signingKey/
  await t.rejects(signer({}, {}), { message: /git has no user\.signingKey/, hint })
  await t.rejects(signer({}, { 'user.signingkey': 'x', 'gpg.format': 'evil\x1b[2J' }), {
    message: /^commits cannot be signed: gpg\.format is evil[^\x1b]*$/,
  })
  const home = folder(t)
  const unusable: Record<string, string>[] = [
    { 'gpg.format': 'ssh', 'user.signingkey': join(home, 'missing') },
    { 'gpg.program': join(home, 'missing'), 'user.signingkey': mail },
    { 'gpg.program': 'true', 'user.signingkey': mail },
  ]
  for (const config of unusable) {
    const found = await signer({ HOME: home }, config)
    await t.rejects(found.sign(payload), {
      message: /^commits cannot be signed: /,
      hint: /git commit -S/,
    })
  }
})
