import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { readRegularFile } from '../../files/regular-file.ts'

/** Reads the regular file that an option names, up to `limit` bytes. */
export async function readOptionFile(option: string, path: string, limit: number): Promise<string> {
  const refused = (reason: string, cause?: unknown) =>
    new UserError(`${option} ${terminalLine(path)} cannot be read: ${reason}`, {
      hint: 'name a regular file, by its path from the current folder',
      exitCode: 2,
      ...(cause !== undefined && { cause }),
    })
  const file = await readRegularFile(path, { limit, follow: true }).catch(cause => {
    throw refused(systemCode(cause) ?? 'unknown error', cause)
  })
  if (file.kind === 'bytes') return file.bytes.toString()
  if (file.kind === 'missing') throw refused('there is no such file')
  throw refused(
    file.kind === 'too-large' ? `it holds more than ${limit} bytes` : 'it is not a regular file',
  )
}
