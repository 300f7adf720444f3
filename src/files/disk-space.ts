import { statfs } from 'node:fs/promises'
import { UserError } from '../base/errors.ts'

/** Reports whether an error, or a program's output, is about a full disk. */
export function isDiskFull(text: string): boolean {
  return /no space left on device|ENOSPC|disk quota exceeded/i.test(text)
}

/** Returns an error that names the full filesystem and its free space: a machine has several. */
export async function diskFull(what: string, folder: string, cause: unknown): Promise<UserError> {
  const free = await statfs(folder).then(
    ({ bavail, bsize }) => `${Math.round((bavail * bsize) / 1_000_000)} MB free`,
    () => 'free space unknown',
  )
  return new UserError(`${what}: the disk of ${folder} is full (${free})`, {
    hint: 'run docker system df, then docker builder prune or docker image prune',
    cause,
  })
}
