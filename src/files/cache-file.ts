import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Keeps an answer for the next time, whole or not at all. A cache that cannot be written, as on a full
 * disk, costs the next command its time and this one nothing.
 */
export async function keepInCache(path: string, text: string): Promise<void> {
  const next = `${path}.${process.pid}.tmp`
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await writeFile(next, text)
    await rename(next, path)
  } catch {
    await rm(next, { force: true }).catch(() => {})
  }
}
