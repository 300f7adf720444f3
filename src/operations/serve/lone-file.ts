import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'

/**
 * Refuses a folder that has other files than the one that a setting names: the whole folder is mounted into the server,
 * which must not see a home folder.
 */
export async function refuseOthers(setting: string, folder: string, name: string): Promise<void> {
  // Editors keep a copy beside a file, with a name that has the file's own.
  const other = (await readdir(folder)).find(entry => !entry.includes(name))
  if (other === undefined) return
  throw new UserError(
    `the folder of ${setting}=${terminalLine(join(folder, name))} also has ${terminalLine(other, 60)}`,
    { hint: 'move the file to a folder of its own: the server sees the whole folder' },
  )
}
