import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { type GitIdentity, isPlain, parseGitIdentity } from '../../config/git-identity.ts'
import { exec } from '../../process/exec.ts'

/**
 * Whose commits the agent makes: `host` is the one of the host's own git, `none` nobody's, and `Name
 * <mail>` that one. Null where there is none to be had: git in the container then asks for it.
 */
export async function findGitIdentity(
  setting: string,
  read: () => Promise<string> = readUserConfig,
): Promise<GitIdentity | null> {
  if (setting === 'none') return null
  if (setting === 'host') return fromConfig(await read())
  return parseGitIdentity(setting)
}

/** A file of git's configuration. It is the lowest of all: a repository or the agent may say otherwise. */
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
      hint: 'mend it with git config --global, or set GIT_IDENTITY in .env',
    })
  }
  return { name, mail }
}

/** From `/` and with no repository: the workspace has no say in who the user is. */
async function readUserConfig(): Promise<string> {
  const { HOME, PATH, XDG_CONFIG_HOME } = userEnvironment()
  const env = { HOME, PATH, XDG_CONFIG_HOME, GIT_CEILING_DIRECTORIES: '/', GIT_DIR: '/dev/null' }
  const asked = ['config', '-z', '--get-regexp', '^user\\.(name|email)$']
  // Without git, or without an identity, there is none to pass on.
  const result = await exec('git', asked, { cwd: '/', timeout: 5_000, env }).catch(() => null)
  return result?.code === 0 ? result.stdout : ''
}
