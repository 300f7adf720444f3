import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { isMissing } from '../../files/growing-file.ts'

/** The text of a regular file of at most `limit` bytes that an option names. */
export async function readOptionFile(option: string, path: string, limit: number): Promise<string> {
  try {
    // A pipe without a writer must not hold us: it is refused below.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const status = await file.stat()
      if (!status.isFile()) throw new Error('it is no regular file')
      if (status.size > limit) throw new Error(`it holds more than ${limit} bytes`)
      return await file.readFile('utf8')
    } finally {
      await file.close()
    }
  } catch (cause) {
    const reason = isMissing(cause) ? 'there is no such file' : messageOf(cause)
    throw new UserError(`${option} ${terminalLine(path)} cannot be read: ${reason}`, {
      hint: 'name a regular file, by its path from the current folder',
      exitCode: 2,
      cause,
    })
  }
}
