import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile } from './replace-file.ts'

/**
 * Caches a result for the next command. A failed write, such as on a full disk, only makes that
 * command slower and must not fail this one.
 */
export async function keepInCache(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await replaceFile(path, text)
  } catch {}
}
