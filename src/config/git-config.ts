import { homedir } from 'node:os'
import { exec } from '../process/exec.ts'
import { type Account, environmentOf } from './account.ts'

/**
 * Returns the output of `git config` with these arguments; empty when git is missing or fails. Runs it
 * from `/` without a repository, so that no workspace can influence it (threat H1), and with only the
 * variables by which git finds the user's configuration: ours, or that of an account.
 */
export async function readGitConfig(
  args: readonly string[],
  account: Account | null = null,
): Promise<string> {
  const { HOME = homedir(), PATH, XDG_CONFIG_HOME } = environmentOf(account)
  const env = { HOME, PATH, XDG_CONFIG_HOME, GIT_CEILING_DIRECTORIES: '/', GIT_DIR: '/dev/null' }
  const options = { timeout: 5_000, env, user: account }
  const result = await exec('git', ['config', ...args], options).catch(() => null)
  return result?.code === 0 ? result.stdout : ''
}
