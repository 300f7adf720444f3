import { basename, resolve } from 'node:path'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { workspaceConfigName, workspaceConfigNames } from '../config/protected-names.ts'
import { parseWorkspaceConfig } from '../config/workspace-config.ts'
import { demandsOf } from '../config/workspace-requests.ts'
import { readRegularFile } from '../files/regular-file.ts'

/** The output of `config --path FILE --json`. */
export type CheckedFile = { version: 1; file: string; demands: string[]; unused: readonly string[] }

const mostBytes = 256 * 1024

/** Checks a configuration file that a user names, before it is the one of a folder. Approves nothing. */
export async function checkConfigFile(path: string): Promise<CheckedFile> {
  const file = resolve(path)
  const refused = (why: string) =>
    new UserError(`${terminalLine(file)} ${why}`, { hint: 'name a configuration file' })
  const read = await readRegularFile(file, { limit: mostBytes }).catch(cause => {
    throw refused(`cannot be read: ${systemCode(cause)}`)
  })
  if (read.kind === 'missing') throw refused('does not exist')
  if (read.kind === 'too-large') throw refused(`holds more than ${mostBytes} bytes`)
  if (read.kind !== 'bytes') throw refused('is not a regular file')
  const name = workspaceConfigNames.find(name => name === basename(file)) ?? workspaceConfigName
  const config = parseWorkspaceConfig(read.bytes.toString('utf8'), name)
  return { version: 1, file, demands: demandsOf(config, name), unused: config.unused }
}
