import { readdir, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { isWithin, overlaps } from '../../files/beneath.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import type { GeneratedFile } from './additions.ts'
import type { OwnPlace } from './sensitive-paths.ts'

const mostBytes = 64 * 1024
const keyName = /^id_[A-Za-z0-9_-]{1,60}(\.pub)?$/
const target = '/etc/claude-secure/ssh'

/**
 * Returns the key pairs and `known_hosts` of a folder that holds only keys for the agent, and an ssh
 * configuration that uses only those. The files are copied, so that the owner and mode of the user's
 * files need not change and nothing else in the folder reaches the agent.
 */
export async function readSshKeys(
  folder: string,
  own: readonly OwnPlace[],
): Promise<GeneratedFile[]> {
  const real = await realpath(folder).catch((cause: NodeJS.ErrnoException) => {
    throw refused(folder, `cannot be read: ${cause.code}`, 'create the folder, or remove SSH_DIR')
  })
  const place = own.find(({ path }) => overlaps(real, path))
  if (place) throw refused(folder, `is or holds ${place.what}`, 'use a separate folder')
  if (isWithin(real, await realpath(homedir())) || basename(real) === '.ssh') {
    throw refused(
      folder,
      'holds your own keys',
      'create a key pair for the agent alone, in a separate folder',
    )
  }
  const names = (await readdir(real)).filter(name => keyName.test(name)).sort()
  const keys = await Promise.all(names.map(name => readKey(real, name)))
  const hosts = textOf(await readRegularFile(join(real, 'known_hosts'), { limit: mostBytes }))
  if (hosts === null) {
    throw refused(
      folder,
      'has no known_hosts',
      'add a known_hosts file with the host keys that you have verified',
    )
  }
  const pairs = keys.filter(({ secret }) => secret)
  if (pairs.length === 0) {
    throw refused(folder, 'has no private key', 'run ssh-keygen -t ed25519 -f FOLDER/id_ed25519')
  }
  return [
    ...keys,
    { name: 'ssh-known_hosts', target: `${target}/known_hosts`, text: hosts },
    {
      name: 'ssh-config',
      target: '/etc/ssh/ssh_config.d/50-claude-secure.conf',
      text: renderSshConfig(pairs.map(key => key.target)),
    },
  ]
}

async function readKey(folder: string, name: string): Promise<GeneratedFile> {
  const path = join(folder, name)
  // Symlinks are not followed: in this folder they could point to any file of the user.
  const text = textOf(await readRegularFile(path, { limit: mostBytes }))
  const secret = !name.endsWith('.pub')
  const form = secret ? /^-----BEGIN [A-Z ]*PRIVATE KEY-----\n/ : /^[a-z0-9@.-]+ [A-Za-z0-9+/=]+/
  if (text === null || !form.test(text)) {
    throw refused(path, 'is not a key', 'remove it, or replace a symlink with the file')
  }
  return { name: `ssh-${name}`, target: `${target}/${name}`, text, ...(secret && { secret }) }
}

/**
 * Renders a configuration that accepts no unknown host key and offers no other key. The proxy closes
 * connections that are not TLS (N9), so ssh cannot connect: it reports that instead of waiting for a
 * name that does not resolve.
 */
export function renderSshConfig(keys: readonly string[]): string {
  return [
    'Host *',
    ...keys.map(path => `  IdentityFile ${path}`),
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${target}/known_hosts`,
    '  GlobalKnownHostsFile none',
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
    "  ProxyCommand sh -c 'echo SSH does not leave this container: the proxy admits HTTPS only. Use an https URL, or push from the host. >&2; exit 1'",
    '',
  ].join('\n')
}

function refused(path: string, what: string, hint: string) {
  return new UserError(`SSH_DIR: ${terminalLine(path)} ${what}`, { hint })
}
