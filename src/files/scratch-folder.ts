import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const staleMilliseconds = 24 * 60 * 60_000

/**
 * Calls `body` with a new empty folder below `parent`, and removes it when `body` ends or throws. Also
 * removes folders left by killed runs after a day: until then their run may still be active.
 */
export async function withScratchFolder<T>(
  parent: string,
  prefix: string,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  await mkdir(parent, { recursive: true, mode: 0o700 })
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const path = join(parent, name)
    const age = Date.now() - ((await stat(path).catch(() => null))?.mtimeMs ?? Date.now())
    if (age > staleMilliseconds) await rm(path, { recursive: true, force: true })
  }
  const folder = await mkdtemp(join(parent, prefix))
  try {
    return await body(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
