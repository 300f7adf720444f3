import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { readGitConfig } from '../../config/git-config.ts'
import { type GitIdentity, isPlain, parseGitIdentity } from '../../config/setting-names.ts'

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
