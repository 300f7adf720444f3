import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from '../state/state-folder.ts'

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
