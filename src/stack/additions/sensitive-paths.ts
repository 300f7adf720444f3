import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { isWithin, overlaps } from '../../files/beneath.ts'

/** A path that belongs to claude-secure or to the engine, with its name for a message. */
export type OwnPlace = {
  path: string
  what: string
  /** Refused only for a mount that the agent can write. */
  ifWritable?: boolean
}

const system = [
  ...['/boot', '/dev', '/etc', '/proc', '/run', '/sys', '/var/run', '/var/lib/docker'],
  ...['/var/lib/containerd', '/var/lib/containers', '/var/spool/cron'],
]

/** Programs of the host: files written there run with the rights of any user. */
const programs = ['/bin', '/lib', '/lib32', '/lib64', '/libx32', '/sbin', '/usr']

/** Where programs keep credentials, below a home folder. */
const credentials = [
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.claude', '.claude.json'],
  ...[
    '.netrc',
    '.git-credentials',
    '.pgpass',
    '.password-store',
    '.npmrc',
    '.pypirc',
    '.vault-token',
  ],
  ...['.config/gcloud', '.config/gh', '.config/op', '.local/share/keyrings', '.mozilla'],
]

/** Files that programs run automatically for the user, below a home folder. */
const startup = [
  ...['.bashrc', '.bash_profile', '.bash_login', '.bash_logout', '.bash_aliases', '.profile'],
  ...['.zshrc', '.zshenv', '.zprofile', '.zlogin', '.xinitrc', '.xprofile', '.pam_environment'],
  ...['.gitconfig', '.vimrc', '.vim', '.emacs', '.emacs.d', '.tmux.conf', 'bin', '.local/bin'],
  ...['.config/autostart', '.config/environment.d', '.config/fish', '.config/git'],
  ...['.config/nvim', '.config/systemd', '.local/share/applications'],
]

/** Names among them that no project has: a folder that holds one is a home folder. */
const onlyAtHome = ['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.netrc', '.git-credentials']

/**
 * Returns why a host path must not be given to an agent, or null. `path` must be resolved, without
 * symlinks. Checks both the contents of the path and its parent folders.
 */
export async function sensitivePathReason(
  path: string,
  writable: boolean,
  own: readonly OwnPlace[],
): Promise<string | null> {
  const home = await resolved(homedir())
  if (isWithin(path, home)) return 'it holds your whole home folder'
  const places = [
    ...[...system, ...(writable ? programs : [])].map(path => ({
      path,
      what: 'a part of the operating system',
    })),
    ...own.filter(({ ifWritable }) => writable || !ifWritable),
    ...credentials.map(name => ({ path: join(home, name), what: 'a credential store' })),
    ...(writable ? startup : []).map(name => ({
      path: join(home, name),
      what: 'a file that your programs run automatically',
    })),
  ]
  for (const place of places) {
    const both = [place.path, await resolved(place.path)]
    if (both.some(named => overlaps(path, named))) {
      return `it is or holds ${place.what} (${place.path})`
    }
  }
  // Also covers other users, and the user behind sudo.
  const name = credentials.find(name => `${path}${sep}`.includes(`${sep}${name}${sep}`))
  if (name) return `it is a credential store (${name})`
  for (const name of onlyAtHome) {
    if (await lstat(join(path, name)).catch(() => null)) return `it holds ${name}`
  }
  return null
}

/** Returns why a path cannot be mounted: sockets, devices and pipes lead to programs of the host. */
export async function unmountableReason(path: string): Promise<string | null> {
  const status = await stat(path)
  if (status.isFile()) return null
  if (!status.isDirectory()) return 'it is neither a folder nor a regular file'
  const entries = await readdir(path, { withFileTypes: true })
  const socket = entries.find(entry => entry.isSocket())
  return socket ? `it holds the socket ${socket.name}` : null
}

async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path)
}
