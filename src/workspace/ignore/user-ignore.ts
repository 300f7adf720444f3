import { homedir } from 'node:os'
import { join } from 'node:path'
import { userEnvironment } from '../../config/environment.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import { exec } from '../../process/exec.ts'

const limit = 1024 * 1024

/**
 * Reads the user's own ignore file: core.excludesFile, or git's default path. Git reads that one value
 * of the user's configuration, from `/`, and opens no repository.
 */
export async function readUserIgnore(): Promise<string> {
  const { HOME = homedir(), PATH, XDG_CONFIG_HOME } = userEnvironment()
  const asked = await exec(
    'git',
    ['config', '--global', '--includes', '--type=path', '--get', 'core.excludesFile'],
    {
      cwd: '/',
      timeout: 5_000,
      env: {
        HOME,
        ...(PATH && { PATH }),
        ...(XDG_CONFIG_HOME && { XDG_CONFIG_HOME }),
        GIT_DIR: '/dev/null',
      },
    },
  ).catch(() => null)
  const named = asked?.code === 0 ? asked.stdout.replace(/\n$/, '') : ''
  const path = named || join(XDG_CONFIG_HOME || join(HOME, '.config'), 'git/ignore')
  return textOf(await readRegularFile(path, { limit })) ?? ''
}
