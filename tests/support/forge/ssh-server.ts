import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../stack/free-port.ts'
import { until } from '../stack/process.ts'

/** Makes a key pair without a passphrase unless given; returns the path of the private key. */
export function makeKey(folder: string, name: string, passphrase = ''): string {
  const path = join(folder, name)
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', path, '-C', name])
  return path
}

/**
 * Starts a real ssh server on loopback, in which the user `git` logs in with the public keys of `keys`. It has a
 * mount namespace of its own, in which that user exists. It ends with the test.
 */
export async function startSshServer(t: Test, folder: string, keys: readonly string[]) {
  const home = join(folder, 'home-of-git')
  mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 })
  const authorized = keys.map(key => readFileSync(`${key}.pub`, 'utf8')).join('')
  writeFileSync(join(home, '.ssh/authorized_keys'), authorized, { mode: 0o600 })
  const users = join(folder, 'passwd')
  writeFileSync(users, `root:x:0:0::/root:/bin/sh\ngit:x:0:0::${home}:/bin/sh\n`)
  const port = await freePort()
  const hostKey = join(folder, 'host-key')
  const shell = 'mount --bind "$1" /etc/passwd && shift && exec "$@"'
  const server = ['/usr/sbin/dropbear', '-F', '-E', '-s', '-p', `127.0.0.1:${port}`]
  execFileSync('dropbearkey', ['-t', 'ed25519', '-f', hostKey], { stdio: 'pipe' })
  const child = spawn(
    'unshare',
    [
      '--mount',
      'sh',
      '-c',
      shell,
      'sh',
      users,
      ...server,
      '-r',
      hostKey,
      '-P',
      join(folder, 'pid'),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let log = ''
  child.stderr.on('data', chunk => {
    log += chunk
  })
  t.teardown(() => child.kill())
  await until('the ssh server', async () => log.includes('Not backgrounding'))
  const shown = execFileSync('dropbearkey', ['-y', '-f', hostKey]).toString()
  const publicKey = /^ssh-ed25519 \S+/m.exec(shown)?.[0] ?? ''
  return { port, publicKey, log: () => log }
}
