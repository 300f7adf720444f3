import { realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { customRoot } from '../../config/paths.ts'
import type { Settings } from '../../config/settings.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { refuseOthers } from './lone-file.ts'

/**
 * Returns where cron.yml is: its name in a folder, which is mounted into the server so that a changed file is seen.
 * Refuses a folder of CRON_FILE with other files: the server must not see a home folder.
 */
export async function schedulesFolder(
  settings: Pick<Settings, 'CUSTOM_DIR' | 'CRON_FILE'>,
): Promise<{ folder: string; file: string }> {
  const path = settings.CRON_FILE ?? join(customRoot(settings), 'schedules/cron.yml')
  const [folder, name] = [dirname(path), basename(path)]
  const file = await readRegularFile(path, { limit: 1, part: 'head', follow: true })
  if (file.kind !== 'bytes') {
    const problem = file.kind === 'missing' ? 'does not exist' : 'is not a regular file'
    throw new UserError(`${terminalLine(path)} ${problem}`, {
      hint: 'write your jobs to it: docs/schedules.md has an example',
    })
  }
  if (settings.CRON_FILE !== undefined) await refuseOthers('CRON_FILE', folder, name)
  return { folder: await realpath(folder), file: name }
}
