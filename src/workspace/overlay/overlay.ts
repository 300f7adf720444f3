import type { ProtectedName } from '../../config/protected-names.ts'

/**
 * A mount of a path of the workspace onto itself. Read-only it keeps the agent from writing there.
 * Writable it is the folder above such a path: a mount point cannot be renamed, and with its folder a
 * protected file would go out of the way of a new one.
 */
export type Overlay = {
  /** Relative to the workspace, with `/`. */
  path: string
  writable: boolean
  /** Which file or folder is there, or null where a placeholder has to be made first. */
  identity: string | null
  /** What is made where nothing is: an empty folder, or a file with this content. */
  placeholder: Placeholder
}

/**
 * A folder also where a file would be: git does not show it, no program parses it, and removing it
 * can never remove what somebody put there. A file only where git would stop at a folder.
 */
export type Placeholder = { kind: 'folder' } | { kind: 'file'; content: string }

export type Wanted = {
  path: string
  writable?: boolean
  placeholder: Placeholder | null
  /** The name that PROTECT gives up to be rid of it. */
  name: ProtectedName
}

/**
 * The mounts for what is wanted, folders before what is in them: with every folder above a protected
 * path, and nothing below a folder that is read-only as a whole.
 */
export function arrange(wanted: readonly Wanted[]): Wanted[] {
  const all = new Map<string, Wanted>()
  const add = (entry: Wanted) => {
    const before = all.get(entry.path)
    if (!before || (before.writable && !entry.writable)) all.set(entry.path, entry)
  }
  for (const entry of wanted) {
    add(entry)
    for (const path of foldersAbove(entry.path)) {
      add({ path, name: entry.name, writable: true, placeholder: { kind: 'folder' } })
    }
  }
  return [...all.values()]
    .filter(({ path }) => !foldersAbove(path).some(above => !all.get(above)?.writable))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** `a/b/c` → `a`, `a/b`. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}
