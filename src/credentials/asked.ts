import { homedir } from 'node:os'
import { isMissing } from '../base/errors.ts'
import { type Account, environmentOf } from '../config/account.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { type ExecOptions, exec } from '../process/exec.ts'

/** What is asked for a token: the environment, files and programs of the user. */
export type Asked = {
  env: NodeJS.ProcessEnv
  home: string
  /** Uid to whom the files must belong; absent for ourselves, who read what we may. */
  owner?: number
  /** Returns the output of a program; an empty text when it fails, null when it is not installed. */
  run: (
    file: string,
    args: readonly string[],
    options: Pick<ExecOptions, 'input' | 'timeout'>,
  ) => Promise<string | null>
}

/** Variables by which these programs find their configuration, the keyring and its helper. */
const passed = [
  ...['PATH', 'USER', 'LANG', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR'],
  ...['DBUS_SESSION_BUS_ADDRESS', 'GH_CONFIG_DIR', 'GNUPGHOME', 'SSH_AUTH_SOCK'],
]

/** Asks this machine for what we have, or as root for what an account has. */
export function askedOfHost(set?: NodeJS.ProcessEnv, account: Account | null = null): Asked {
  const env = environmentOf(account, set)
  const home = env.HOME || homedir()
  const given = passed.flatMap(name => (env[name] ? [[name, env[name]] as const] : []))
  const environment = {
    ...Object.fromEntries(given),
    HOME: home,
    LC_ALL: 'C',
    // git takes an empty program for none. No repository: a workspace's configuration names programs (threat H1).
    ...{ GIT_ASKPASS: '', SSH_ASKPASS: '', GIT_TERMINAL_PROMPT: '0', GCM_INTERACTIVE: 'never' },
    ...{ GIT_CEILING_DIRECTORIES: '/', GIT_DIR: '/dev/null', GH_PROMPT_DISABLED: '1' },
  }
  return {
    env,
    home,
    ...(account && { owner: account.uid }),
    async run(file, args, options) {
      const result = await exec(file, args, {
        ...options,
        ...{ env: environment, grace: 500, user: account },
      }).catch((error: unknown) => (isMissing(error) ? null : failed))
      return result && (result.code === 0 ? result.stdout : '')
    },
  }
}

const failed = { code: 1, stdout: '' }

/**
 * Returns the text of a file of the user; null without it. Root can follow a link where its owner cannot: a file of
 * another user does not count.
 */
export async function readOwnFile(
  path: string,
  { owner }: Pick<Asked, 'owner'>,
  limit: number,
): Promise<string | null> {
  const file = await readRegularFile(path, { limit, follow: true }).catch(() => null)
  if (file?.kind !== 'bytes' || (owner !== undefined && file.stats.uid !== owner)) return null
  return textOf(file)
}
