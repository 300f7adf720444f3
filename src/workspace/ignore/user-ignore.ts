import { homedir } from 'node:os'
import { join } from 'node:path'
import { userEnvironment } from '../../config/environment.ts'
import { readGitConfig } from '../../config/git-config.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'

const limit = 1024 * 1024

/** Reads the user's own ignore file: core.excludesFile, or git's default path. */
export async function readUserIgnore(): Promise<string> {
  const { HOME = homedir(), XDG_CONFIG_HOME } = userEnvironment()
  const asked = ['--global', '--includes', '--type=path', '--get', 'core.excludesFile']
  const named = (await readGitConfig(asked)).replace(/\n$/, '')
  const path = named || join(XDG_CONFIG_HOME || join(HOME, '.config'), 'git/ignore')
  return textOf(await readRegularFile(path, { limit })) ?? ''
}
