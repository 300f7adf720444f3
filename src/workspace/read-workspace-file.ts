import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * The text of a file at the top of a workspace; null where there is none, or a folder in its place, which
 * is our placeholder. The agent may have made it: no link is followed, no pipe waited for, and no more
 * read than `most` bytes.
 */
export async function readWorkspaceFile(
  workspace: string,
  name: string,
  most: number,
): Promise<string | null> {
  const refused = (what: string) =>
    new UserError(`${terminalLine(name)} in the workspace ${what}`, {
      hint: 'look at it, and mend it',
    })
  const file = await open(join(workspace, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw refused(error.code === 'ELOOP' ? 'is a link' : `cannot be read: ${error.code}`)
    },
  )
  if (file === null) return null
  try {
    const status = await file.stat()
    if (status.isDirectory()) return null
    if (!status.isFile()) throw refused('is not a regular file')
    const buffer = Buffer.alloc(most + 1)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
    if (bytesRead > most) throw refused(`holds more than ${most} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead))
  } catch (error) {
    if (error instanceof TypeError) throw refused('is not UTF-8')
    throw error
  } finally {
    await file.close()
  }
}
