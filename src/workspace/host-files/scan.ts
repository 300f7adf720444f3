import { createHash } from 'node:crypto'
import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../base/errors.ts'
import {
  type FolderEntry,
  nameOfBytes,
  readFolderUpTo,
  systemPath,
} from '../../files/byte-names.ts'
import { type RegularFile, readRegularFile } from '../../files/regular-file.ts'
import { foldedName } from '../folded-name.ts'
import { isHostFile, packageParts, skippedFolders } from './kinds.ts'
import {
  isModule,
  isRepositoryFile,
  isRepositoryFolder,
  looksLikeRepository,
} from './repository-files.ts'

/** Recorded content of a file: one hash, or one for each relevant part. */
export type HostFile = string | Record<string, string>
export type HostFiles = {
  files: Map<string, HostFile>
  /** The reason why not all files were checked. */
  cutOff: string | null
}

/** Stands for the files in a folder that cannot be read: its owner can close it, or make its path too long. */
export const closedFolder: HostFile = 'closed folder'

/** How the entries of a folder are judged. */
type Place = {
  /** Files of the workspace. False in `.git`. */
  plain: boolean
  /** The repositories that the folder is, or whose part it is: an agent can nest them. */
  repositories: readonly string[]
  /** A folder of submodules' repositories. */
  modules?: boolean
}

export type ScanBounds = { entries: number; milliseconds: number; fileBytes: number }

const bounds: ScanBounds = { entries: 100_000, milliseconds: 2_000, fileBytes: 1024 * 1024 }

/**
 * Returns the files of a workspace, given by its real path, that run on the host on request. Follows no symlink, even when an agent
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
  // A workspace that is missing has no files that were removed.
  await lstat(workspace)
  await folder('', { plain: true, repositories: [] })
  return { files, cutOff }

  async function folder(path: string, { plain, repositories: above, modules = false }: Place) {
    if (left <= 0) cutOff = `there are more than ${entries} files`
    else checkTime()
    if (cutOff) return
    const listed = listFolder(join(workspace, path), left + 1)
    if (listed === null) return void files.set(path || '.', closedFolder)
    left -= listed.length
    if (left < 0) cutOff = `there are more than ${entries} files`
    const isRepository = looksLikeRepository(listed.map(({ name }) => name))
    const repositories = isRepository && !above.includes(path) ? [...above, path] : above
    const place = { plain, repositories, modules: modules && !isRepository }
    for (const entry of listed) {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory()) await enter(inner, entry.name, place)
      else await look(inner, entry, place)
      // Each file may hold as much as is read of one.
      checkTime()
      if (cutOff) return
    }
  }

  function checkTime() {
    if (performance.now() > deadline) cutOff ??= `it took more than ${milliseconds / 1000} s`
  }

  async function enter(path: string, name: string, { plain, repositories, modules }: Place) {
    if (plain && foldedName(name) === '.git') {
      return folder(path, { plain: false, repositories: [path] })
    }
    if (plain && skippedFolders.has(name)) return
    const inside = repositories.map(repository => insideOf(repository, path))
    if (modules || inside.some(isModule)) {
      return folder(path, { plain, repositories: [path], modules: true })
    }
    // Skips objects: they are many, and never run.
    if (inside.some(isRepositoryFolder)) return folder(path, { plain, repositories })
    if (plain) await folder(path, { plain, repositories: [] })
  }

  async function look(path: string, entry: FolderEntry, { plain, repositories }: Place) {
    const inRepository = repositories.some(folder => isRepositoryFile(insideOf(folder, path)))
    if (!inRepository && !plain) return
    const top = !path.includes('/') && entry.isFile()
    // A file .git sends git to a repository elsewhere.
    const isGit = foldedName(entry.name) === '.git'
    const wanted = inRepository || isGit || isHostFile(path, { executable: false })
    if (!wanted && !top) return
    const file = entry.isSymbolicLink()
      ? `-> ${await readlink(systemPath(join(workspace, path)), 'buffer').then(nameOfBytes, () => '')}`
      : await content(path, wanted)
    if (file !== null) files.set(path, file)
  }

  async function content(path: string, wanted: boolean): Promise<HostFile | null> {
    // A parent folder may have become a symlink: check the real path of the file (H2).
    const options = { limit: fileBytes, part: 'head', place: join(workspace, path) } as const
    const file = await readRegularFile(systemPath(join(workspace, path)), options).catch(() => null)
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

/** Returns nothing where the folder disappeared, and null where we may not read it. */
function listFolder(path: string, most: number): FolderEntry[] | null {
  try {
    return readFolderUpTo(path, most)
  } catch (error) {
    return ['EACCES', 'ENAMETOOLONG'].includes(systemCode(error) ?? '') ? null : []
  }
}

function insideOf(repository: string, path: string) {
  return repository === '' ? path : path.slice(repository.length + 1)
}

function hashOf(content: string | Buffer) {
  return createHash('sha256').update(content).digest('base64url').slice(0, 22)
}
