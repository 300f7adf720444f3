import { realpath } from 'node:fs/promises'

/** Reports whether `path` is the folder or in it. Compares text: resolve both for real containment. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || isBelow(folder, path)
}

/** Reports whether `path` is in the folder, and not the folder itself. */
export function isBelow(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`) && path !== folder
}

/** Reports whether one of the two is in the other, or both are the same. */
export function overlaps(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one)
}

/**
 * Returns the real path of `path` if it is below `folder`, itself a real path; null when the path is
 * missing or a symlink leads out of the folder.
 */
export async function confinedPath(folder: string, path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => null)
  return real !== null && isBelow(folder, real) ? real : null
}
