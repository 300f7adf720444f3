import type { Dirent } from 'node:fs'
import { type FileHandle, lstat, opendir } from 'node:fs/promises'
import { nameOfBytes, systemPath } from '../../files/byte-names.ts'

export type ListedEntry =
  | { name: string; type: 'dir' }
  | { name: string; type: 'file'; size: number }

export type Listing = {
  entries: ListedEntry[]
  /** Set when the folder has more entries; `?after=` with the last name lists the next ones. */
  truncated?: true
}

export type ListOptions = {
  /** Maximum number of entries in one listing. */
  most: number
  /** Lists only names behind this one. */
  after?: string
  /** Whether the caller may see an entry. */
  shows: (name: string) => boolean
}

/**
 * Lists a folder that is held open, sorted by name. Keeps a bounded number of names at any time: the agent
 * can fill a folder with millions (threat M6). A symlink counts as a file of the length of its text: what
 * it leads to is not looked at.
 */
export async function listFolder(folder: FileHandle, options: ListOptions): Promise<Listing> {
  const { most, after, shows } = options
  const path = `/proc/self/fd/${folder.fd}`
  let kept: Dirent[] = []
  let truncated = false
  const cut = () => {
    kept.sort((one, other) => (one.name < other.name ? -1 : 1))
    if (kept.length > most) truncated = true
    kept = kept.slice(0, most)
  }
  // Every byte is one character of latin1.
  for await (const entry of await opendir(path, { encoding: 'latin1', bufferSize: 256 })) {
    entry.name = nameOfBytes(Buffer.from(entry.name, 'latin1'))
    if (after !== undefined && entry.name <= after) continue
    if (!shows(entry.name)) continue
    kept.push(entry)
    if (kept.length >= most * 2) cut()
  }
  cut()
  const entries: ListedEntry[] = []
  for (let at = 0; at < kept.length; at += batch) {
    const described = await Promise.all(
      kept.slice(at, at + batch).map(entry => describe(path, entry)),
    )
    entries.push(...described.filter(entry => entry !== null))
  }
  return truncated ? { entries, truncated } : { entries }
}

/** As many system calls as Node.js makes side by side, and a few to wait. */
const batch = 16

/** Returns null for an entry that has gone since its name was read. */
async function describe(folder: string, { name }: Dirent): Promise<ListedEntry | null> {
  const stats = await lstat(systemPath(`${folder}/${name}`)).catch(() => null)
  if (stats === null) return null
  return stats.isDirectory() ? { name, type: 'dir' } : { name, type: 'file', size: stats.size }
}
