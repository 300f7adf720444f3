import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
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
  return withFolder(parent, prefix, body)
}

/** Root's own folder in memory. */
const shared = '/var/run/claude-secure'

/**
 * Does the same as root, with a folder that every user can enter by its name and none but root can write or list: a
 * program of another user reads in it what `chown` and modes let it.
 */
export async function withSharedFolder<T>(
  prefix: string,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  await mkdir(shared, { recursive: true })
  // Independent of the umask.
  await chmod(shared, 0o711)
  return withFolder(shared, prefix, async folder => {
    await chmod(folder, 0o711)
    return body(folder)
  })
}

async function withFolder<T>(
  parent: string,
  prefix: string,
  body: (folder: string) => Promise<T>,
): Promise<T> {
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
