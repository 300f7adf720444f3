import { UserError } from '../base/errors.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'

const tokenBytes = 4_096

/** Reads the token of a runner. It becomes an HTTP header: printable, without spaces. */
export async function readRunnerToken(path: string): Promise<string> {
  const token = textOf(await readRegularFile(path, { limit: tokenBytes }))?.trim() ?? ''
  if (/^[\x21-\x7e]{16,}$/.test(token)) return token
  throw new UserError(`${path} does not contain a token of at least 16 characters`, {
    hint: 'write a random token to that file',
  })
}
