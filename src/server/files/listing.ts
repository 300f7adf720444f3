import { lstat, opendir } from 'node:fs/promises'
import { nameOfBytes, systemPath } from '../../files/byte-names.ts'
import type { HeldFile } from '../../files/held-file.ts'

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
  /** Takes memory for further names before they are kept; throws when there is none. */
  hold: (bytes: number) => void
}

/** Names are counted together, so that a small folder counts nothing. */
const countedBytes = 64 * 1024

/** Returns the most that a name takes: as an entry two bytes for a character, and as JSON six. */
const bytesOf = (name: string) => 256 + 3 * name.length

/**
 * Lists a folder that is held open, sorted by name. Keeps a bounded number of names at any time: the agent
 * can fill a folder with millions (threat M6). A symlink counts as a file of the length of its text: what
 * it leads to is not looked at.
 */
export async function listFolder(
  folder: Pick<HeldFile, 'fd'>,
  options: ListOptions,
): Promise<Listing> {
  const { most, after, shows, hold } = options
  const path = `/proc/self/fd/${folder.fd}`
  let kept: string[] = []
  let size = 0
  let held = 0
  let truncated = false
  const cut = () => {
    kept.sort((one, other) => (one < other ? -1 : 1))
    if (kept.length > most) truncated = true
    kept = kept.slice(0, most)
    size = kept.reduce((sum, name) => sum + bytesOf(name), 0)
  }
  // Every byte is one character of latin1.
  for await (const entry of await opendir(path, { encoding: 'latin1', bufferSize: 256 })) {
    const name = nameOfBytes(Buffer.from(entry.name, 'latin1'))
    if (after !== undefined && name <= after) continue
    if (!shows(name)) continue
    kept.push(name)
    size += bytesOf(name)
    if (size >= held + countedBytes) {
      hold(size - held)
      held = size
    }
    if (kept.length >= most * 2) cut()
  }
  cut()
  const entries: ListedEntry[] = []
  for (let at = 0; at < kept.length; at += batch) {
    const described = await Promise.all(
      kept.slice(at, at + batch).map(name => describe(path, name)),
    )
    entries.push(...described.filter(entry => entry !== null))
  }
  return truncated ? { entries, truncated } : { entries }
}

/** As many system calls as Node.js makes side by side, and a few to wait. */
const batch = 16

/** Returns null for an entry that has gone since its name was read. */
async function describe(folder: string, name: string): Promise<ListedEntry | null> {
  const stats = await lstat(systemPath(`${folder}/${name}`)).catch(() => null)
  if (stats === null) return null
  return stats.isDirectory() ? { name, type: 'dir' } : { name, type: 'file', size: stats.size }
}
