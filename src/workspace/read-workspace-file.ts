import { join } from 'node:path'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { type RegularFile, readRegularFile } from '../files/regular-file.ts'

/**
 * Returns the text of a file at the top of a workspace; null when it is missing, or a folder, which is
 * our placeholder. The agent may have created it: reads at most `limit` bytes, follows no symlink and does
 * not block on a pipe.
 */
export async function readWorkspaceFile(
  workspace: string,
  name: string,
  limit: number,
): Promise<string | null> {
  const refused = (problem: string, cause?: unknown) =>
    new UserError(`${terminalLine(name)} in the workspace ${problem}`, {
      hint: 'inspect that file, and fix or remove it',
      ...(cause !== undefined && { cause }),
    })
  const file = await readRegularFile(join(workspace, name), { limit }).catch(cause => {
    throw refused(`cannot be read: ${systemCode(cause)}`, cause)
  })
  if (file.kind === 'missing' || (file.kind === 'not-regular' && file.is === 'folder')) return null
  if (file.kind !== 'bytes') throw refused(problemOf(file, limit))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file.bytes)
  } catch {
    throw refused('is not UTF-8')
  }
}

function problemOf(file: RegularFile, limit: number) {
  if (file.kind === 'too-large') return `holds more than ${limit} bytes`
  return file.kind === 'not-regular' && file.is === 'symlink'
    ? 'is a symlink'
    : 'is not a regular file'
}
