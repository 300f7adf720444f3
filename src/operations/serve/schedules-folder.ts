import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { customRoot } from '../../config/paths.ts'
import type { Settings } from '../../config/settings.ts'
import { readRegularFile } from '../../files/regular-file.ts'

/** Returns the folder of cron.yml, which is mounted into the server so that a changed file is seen. */
export async function schedulesFolder(settings: Pick<Settings, 'CUSTOM_DIR'>): Promise<string> {
  const folder = join(customRoot(settings), 'schedules')
  const path = join(folder, 'cron.yml')
  const file = await readRegularFile(path, { limit: 1, part: 'head', follow: true })
  if (file.kind === 'bytes') return realpath(folder)
  throw new UserError(
    `${terminalLine(path)} ${file.kind === 'missing' ? 'does not exist' : 'is not a regular file'}`,
    { hint: 'write your jobs to it: docs/schedules.md has an example' },
  )
}
