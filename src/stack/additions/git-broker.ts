import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type GitRepository, nameOf } from '../../config/git-repositories.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { type CredentialFile, placeholderVariable } from '../credential.ts'
import type { StateFolder } from '../state/state-folder.ts'
import { gitHostsFolder } from './git.ts'

const broker = 'http://gateway:8787/git/'

/**
 * Renders a git configuration by which the listed repositories are reached through the gateway, which
 * has the token for them. git sends the gateway the stack's placeholder.
 */
export function renderGitBroker(
  repositories: readonly GitRepository[],
  { kind, placeholder }: Pick<CredentialFile, 'kind' | 'placeholder'>,
): string {
  const header =
    placeholderVariable(kind) === 'ANTHROPIC_API_KEY'
      ? `x-api-key: ${placeholder}`
      : `Authorization: Bearer ${placeholder}`
  return `[http "${broker}"]\n\textraHeader = "${header}"\n${repositories.map(renderOne).join('')}`
}

function renderOne(repository: GitRepository): string {
  const name = nameOf(repository)
  const { host, path } = repository
  const spellings = [
    `https://${name}`,
    `git@${host}:${path}`,
    ...['ssh://git@', 'git+ssh://git@', 'ssh://'].map(start => `${start}${name}`),
    `ssh://git@${host}:22/${path}`,
  ]
  // The longest one counts, so that these come before the hosts of the allowlist.
  const lines = spellings.map(spelling => `\tinsteadOf = ${spelling}\n`)
  return `[url "${broker}${name}"]\n${lines.join('')}`
}

/**
 * Writes the file beside the list of hosts, which containers see as it is, or removes it. Call it under
 * the stack's lock, after `writeGitHosts`.
 */
export async function writeGitBroker(
  state: StateFolder,
  repositories: readonly GitRepository[],
  credential: Pick<CredentialFile, 'kind' | 'placeholder'>,
): Promise<void> {
  const path = join(gitHostsFolder(state), 'broker.gitconfig')
  if (repositories.length === 0) return rm(path, { force: true })
  await replaceFile(path, renderGitBroker(repositories, credential), { mode: 0o644 })
}
