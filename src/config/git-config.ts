import { homedir } from 'node:os'
import { exec } from '../process/exec.ts'
import { userEnvironment } from './environment.ts'

/**
 * Returns the output of `git config` with these arguments; empty when git is missing or fails. Runs it
 * from `/` without a repository, so that no workspace can influence it (threat H1), and with only the
 * variables by which git finds the user's configuration.
 */
export async function readGitConfig(args: readonly string[]): Promise<string> {
  const { HOME = homedir(), PATH, XDG_CONFIG_HOME } = userEnvironment()
  const env = { HOME, PATH, XDG_CONFIG_HOME, GIT_CEILING_DIRECTORIES: '/', GIT_DIR: '/dev/null' }
  const result = await exec('git', ['config', ...args], { timeout: 5_000, env }).catch(() => null)
  return result?.code === 0 ? result.stdout : ''
}
