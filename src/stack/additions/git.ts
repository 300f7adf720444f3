import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { readGitConfig } from '../../config/git-config.ts'
import { type GitIdentity, isPlain, parseGitIdentity } from '../../config/setting-names.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from '../state/state-folder.ts'

/**
 * Returns the identity for the agent's commits: `host` takes it from the host's git, `none` sets none,
 * and `Name <mail>` is used as given. Null when there is none: git in the container then asks for it.
 */
export async function findGitIdentity(
  setting: string,
  read: () => Promise<string> = readUserIdentity,
): Promise<GitIdentity | null> {
  if (setting === 'none') return null
  if (setting === 'host') return fromConfig(await read())
  return parseGitIdentity(setting)
}

/** Renders a git configuration file. It has the lowest precedence: a repository or the agent may override it. */
export function renderGitIdentity({ name, mail }: GitIdentity): string {
  return `[user]\n\tname = ${quoted(name)}\n\temail = ${quoted(mail)}\n`
}

function quoted(value: string) {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

function fromConfig(listed: string): GitIdentity | null {
  const values = new Map(
    listed.split('\0').map((entry): [string, string] => {
      const end = entry.indexOf('\n')
      return [entry.slice(0, end), entry.slice(end + 1)]
    }),
  )
  const name = values.get('user.name')
  const mail = values.get('user.email')
  if (!name || !mail) return null
  const [strange] = [name, mail].filter(value => !isPlain(value))
  if (strange !== undefined) {
    throw new UserError(`git's user.name or user.email is not usable: "${terminalLine(strange)}"`, {
      hint: 'fix it with git config --global, or set GIT_IDENTITY in .env',
    })
  }
  return { name, mail }
}

/** Reads name and address from the user's configuration; without git there is no identity to pass on. */
function readUserIdentity(): Promise<string> {
  return readGitConfig(['-z', '--get-regexp', '^user\\.(name|email)$'])
}

/** Path in the containers. A folder, so that a running container sees a list that was replaced. */
export const gitHostsTarget = '/etc/claude-secure/git'

/** Maximum number of hosts: git compares each remote with every line. */
const most = 500

/**
 * Renders a git configuration by which remotes like `git@HOST:` are reached over https: ssh has no way
 * out of the container. `names` are entries of the allowlist; `.corp.test` counts as corp.test.
 */
export function renderGitHosts(names: readonly string[]): string {
  const hosts = [...new Set(names.map(name => name.replace(/^\./, '')))]
    // Anything else could end the quoted name in git's syntax.
    .filter(host => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host))
    .slice(0, most)
  return hosts.map(renderHost).join('')
}

function renderHost(host: string) {
  const spellings = [
    `git@${host}:`,
    ...['ssh://git@', 'git+ssh://git@', 'ssh://'].map(start => `${start}${host}/`),
    `ssh://git@${host}:22/`,
  ]
  const lines = spellings.map(spelling => `\tinsteadOf = ${spelling}\n`)
  return `[url "https://${host}/"]\n${lines.join('')}`
}

export function gitHostsFolder(state: Pick<StateFolder, 'path'>): string {
  return join(state.path, 'git')
}

/** Writes the file; call it under the stack's lock. Readable by all: the agent's uid may be another. */
export async function writeGitHosts(state: StateFolder, names: readonly string[]) {
  const folder = gitHostsFolder(state)
  await mkdir(folder, { recursive: true })
  // Independent of the umask.
  await chmod(folder, 0o755)
  await replaceFile(join(folder, 'hosts.gitconfig'), renderGitHosts(names), { mode: 0o644 })
}
