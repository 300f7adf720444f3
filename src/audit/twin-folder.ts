import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../files/replace-file.ts'

/**
 * Writes a file that a container of the twin reads, in a folder that is mounted into it. The container's user is
 * another one, so both have their modes regardless of the umask.
 */
export async function writeTwinFile(folder: string, file: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  await replaceFile(join(folder, file), text, { mode: 0o644 })
}
