import { createHash } from 'node:crypto'
import type { Dirent } from 'node:fs'
import { readdir, readlink, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { type RegularFile, readRegularFile } from '../../files/regular-file.ts'
import { isHostFile, isRepositoryFile, packageParts, skippedFolders } from './kinds.ts'

/** Recorded content of a file: one hash, or one for each relevant part. */
export type HostFile = string | Record<string, string>
export type HostFiles = {
  files: Map<string, HostFile>
  /** The reason why not all files were checked. */
  cutOff: string | null
}

export type ScanBounds = { entries: number; milliseconds: number; fileBytes: number }

const bounds: ScanBounds = { entries: 100_000, milliseconds: 2_000, fileBytes: 1024 * 1024 }

/**
 * Returns the workspace files that run on the host on request. Follows no symlink, even when an agent
 * replaces folders with symlinks during the scan.
 */
export async function scanHostFiles(
  workspace: string,
  { entries, milliseconds, fileBytes }: ScanBounds = bounds,
): Promise<HostFiles> {
  const files = new Map<string, HostFile>()
  const deadline = performance.now() + milliseconds
  let left = entries
  let cutOff: string | null = null
  const root = await realpath(workspace)
  await folder('', null)
  return { files, cutOff }

  /** `repository`: the repository folder, such as `.git`, that this folder is or is in. */
  async function folder(path: string, repository: string | null) {
    if (left <= 0) cutOff = `there are more than ${entries} files`
    else if (performance.now() > deadline) cutOff = `it took more than ${milliseconds / 1000} s`
    if (cutOff) return
    const listed = await readdir(join(workspace, path), { withFileTypes: true }).catch(() => [])
    left -= listed.length
    const bare = repository === null && isBare(listed) ? path : repository
    for (const entry of listed) {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory()) await enter(inner, entry.name, bare)
      else await look(inner, entry, bare)
    }
  }

  async function enter(path: string, name: string, repository: string | null) {
    if (repository !== null) {
      // Skips objects: they are many, and never run.
      const inside = path.slice(repository.length + (repository === '' ? 0 : 1))
      if (
        /^(hooks|info|rebase-merge|rebase-apply|sequencer|modules|worktrees)(\/|$)/.test(inside)
      ) {
        await folder(path, /^(modules|worktrees)\//.test(inside) ? path : repository)
      }
    } else if (name === '.git') await folder(path, path)
    else if (!skippedFolders.has(name)) await folder(path, null)
  }

  async function look(path: string, entry: Dirent, repository: string | null) {
    const inRepository =
      repository !== null &&
      isRepositoryFile(path.slice(repository.length + (repository === '' ? 0 : 1)))
    const top = !path.includes('/') && entry.isFile()
    if (!inRepository && repository !== null) return
    // A file .git sends git to a repository elsewhere.
    const wanted = inRepository || entry.name === '.git' || isHostFile(path, { executable: false })
    if (!wanted && !top) return
    const file = entry.isSymbolicLink()
      ? `-> ${await readlink(join(workspace, path)).catch(() => '')}`
      : await content(path, wanted)
    if (file !== null) files.set(path, file)
  }

  async function content(path: string, wanted: boolean): Promise<HostFile | null> {
    // A parent folder may have become a symlink: check the real path of the file (H2).
    const options = { limit: fileBytes, part: 'head', place: join(root, path) } as const
    const file = await readRegularFile(join(workspace, path), options).catch(() => null)
    if (file?.kind !== 'bytes') return wanted ? absence(file) : null
    const { size, mode } = file.stats
    if (!wanted && !isHostFile(path, { executable: (mode & 0o111) !== 0 })) return null
    const parts = path.endsWith('package.json') ? packageParts(file.bytes.toString()) : null
    if (parts) return Object.fromEntries([...parts].map(([name, part]) => [name, hashOf(part)]))
    // What follows the part that was read may change without a change of size.
    const changed = size > fileBytes ? `${file.stats.ctimeMs} ` : ''
    return `${size} ${changed}${mode & 0o111 ? 'x ' : ''}${hashOf(file.bytes)}`
  }
}

/** Returns why a checked file has no content. A file that became a symlink counts as unreadable. */
function absence(file: RegularFile | null): HostFile {
  if (file?.kind === 'elsewhere') return 'elsewhere'
  return file?.kind === 'not-regular' && file.is !== 'symlink' ? 'no file' : 'unreadable'
}

/** Returns whether a folder is a bare repository: git uses one in any folder where it is called. */
function isBare(listed: readonly Dirent[]) {
  const names = new Set(listed.map(({ name }) => name))
  return names.has('HEAD') && names.has('objects') && names.has('refs')
}

function hashOf(content: string | Buffer) {
  return createHash('sha256').update(content).digest('base64url').slice(0, 22)
}
