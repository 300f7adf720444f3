import { chmod, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Maximum entries below one folder: a larger tree is not one that a user keeps for a container. */
const mostEntries = 10_000

/**
 * Lets all users read a file or enter a folder, as `chmod a+rX` does: a container's user is another one, and
 * a umask of 027 or 077 closes what a checkout or an editor writes. Leaves symlinks alone. Throws the system's
 * error when the path is closed and belongs to another user.
 */
export async function makeReadable(path: string): Promise<void> {
  const status = await lstat(path)
  if (status.isSymbolicLink()) return
  const executable = status.isDirectory() || (status.mode & 0o111) !== 0
  const wanted = executable ? 0o555 : 0o444
  if ((status.mode & wanted) === wanted) return
  await chmod(path, (status.mode & 0o7777) | wanted)
}

/** Does the same for a folder and everything below it. */
export async function makeTreeReadable(folder: string): Promise<void> {
  let left = mostEntries
  const walk = async (path: string) => {
    await makeReadable(path)
    for (const entry of await readdir(path, { withFileTypes: true })) {
      left -= 1
      if (left < 0) throw new Error(`${folder} holds more than ${mostEntries} entries`)
      const below = join(path, entry.name)
      if (entry.isDirectory()) await walk(below)
      else await makeReadable(below)
    }
  }
  await walk(folder)
}
