import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, opendir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Entry } from './entry.ts'

/**
 * All files and links below `root`, one after the other, parents first. Sockets, pipes and devices
 * are left out: they have no content to copy. So is what `isLeftOut` names.
 */
export async function* walkHost(
  root: string,
  isLeftOut: (absolutePath: string) => boolean = () => false,
  folder = '',
): AsyncGenerator<HostItem> {
  const directory = await opendir(join(root, folder))
  for await (const item of directory) {
    const path = folder === '' ? item.name : `${folder}/${item.name}`
    if (isLeftOut(join(root, path))) continue
    if (item.isDirectory()) {
      yield { kind: 'folder', path }
      yield* walkHost(root, isLeftOut, path)
    } else if (item.isSymbolicLink()) {
      yield { kind: 'link', path, target: await readlink(join(root, path)) }
    } else if (item.isFile()) {
      const { size, mode } = await lstat(join(root, path))
      yield { kind: 'file', path, size, executable: (mode & 0o100) !== 0 }
    }
  }
}

export type HostItem =
  | { kind: 'folder'; path: string }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'file'; path: string; size: number; executable: boolean }

/** What `path` below `root` holds now, or undefined when there is no file or link. */
export async function readHostEntry(root: string, path: string): Promise<Entry | undefined> {
  const full = join(root, path)
  const status = await lstat(full).catch(() => null)
  if (status?.isSymbolicLink()) return { type: 'link', target: await readlink(full) }
  if (!status?.isFile()) return undefined
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(full)) hash.update(chunk)
  return {
    type: 'file',
    sha256: hash.digest('hex'),
    executable: (status.mode & 0o100) !== 0,
    size: status.size,
  }
}
