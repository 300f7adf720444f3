import type { Stats } from 'node:fs'
import {
  type ProtectedName,
  parseProtect,
  parseProtectAlso,
  withdrawnNames,
} from '../../config/protected-names.ts'
import type { Settings } from '../../config/settings.ts'

/**
 * A mount of a workspace path onto itself. A read-only overlay keeps the agent from writing there. A
 * writable overlay is a parent folder of such a path: a mount point cannot be renamed, so the agent
 * cannot move the parent away and create a new protected file.
 */
export type Overlay = {
  /** Relative to the workspace, with `/`. */
  path: string
  writable: boolean
  /** Identity of the file or folder there; null when a placeholder must be created first. */
  identity: string | null
  /** Created when the path is missing. */
  placeholder: Placeholder
}

/**
 * An empty folder, even in place of a file: git does not show it, no program parses it, and `rmdir` never
 * removes anything that was added. A file with `content` only where a folder would make git fail.
 */
export type Placeholder = { kind: 'folder' } | { kind: 'file'; content: string }

export type Wanted = {
  path: string
  writable?: boolean
  placeholder: Placeholder | null
  /** The name to remove from PROTECT to turn this overlay off, or the setting that names it. */
  name: ProtectedName | 'PROTECT_ALSO'
}

/**
 * Returns the mounts for the wanted paths, parents before children: adds every folder above a protected
 * path, and drops everything below a folder that is read-only as a whole.
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

/** Returns the paths that the agent cannot write, or whose files do not stay. */
export function closedPaths(
  overlays: readonly Overlay[],
  settings: Pick<Settings, 'PROTECT' | 'PROTECT_ALSO'>,
): string[] {
  const mounted = overlays.filter(({ writable }) => !writable).map(({ path }) => path)
  return [...new Set([...mounted, ...movedNames(settings)])].sort()
}

/** Returns the names that are moved away when they appear. */
export function movedNames(settings: Pick<Settings, 'PROTECT' | 'PROTECT_ALSO'>): string[] {
  const loosened = parseProtect(settings.PROTECT) ?? []
  const shipped = withdrawnNames.filter(name => !loosened.includes(name))
  return [...shipped, ...alsoNames(settings)]
}

/** Returns the names of PROTECT_ALSO. */
export function alsoNames({ PROTECT_ALSO }: Pick<Settings, 'PROTECT_ALSO'>): string[] {
  return parseProtectAlso(PROTECT_ALSO ?? '') ?? []
}

/** Returns `a`, `a/b` for `a/b/c`. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/**
 * Distinguishes a file from its replacement. Includes the birth time, because file systems reuse inode
 * numbers: after two replacements the number can be the first again.
 */
export function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`
}
