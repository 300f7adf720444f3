import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Repository } from './repository.ts'

/** Returns the protected paths that are empty folders: placeholders, which git need not see. */
export function emptyFolders({ top, paths }: Pick<Repository, 'top' | 'paths'>): string[] {
  return paths.filter(path => {
    const status = lstatSync(join(top, path), { throwIfNoEntry: false })
    return status?.isDirectory() && isEmpty(join(top, path))
  })
}

function isEmpty(path: string) {
  try {
    return readdirSync(path).length === 0
  } catch {
    return false
  }
}

/** Renders ignore patterns that match exactly these folders. */
export function ignorePatterns(paths: readonly string[]): string[] {
  return paths.map(path => `/${path.replace(/[\\*?[\]!# ]/g, '\\$&')}/`)
}
