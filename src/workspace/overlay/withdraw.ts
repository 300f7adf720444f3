import type { Stats } from 'node:fs'
import { lstat, mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../base/errors.ts'
import { withdrawnFolders, withdrawnNames } from '../../config/protected-names.ts'
import { type OpenFolder, openParentFolder } from '../../files/beneath.ts'
import type { SystemPath } from '../../files/byte-names.ts'
import { readRegularFile } from '../../files/regular-file.ts'

/** Returns whether a program may obey what has a name: of some names it reads only files. */
export function isObeyed(name: string, status: Pick<Stats, 'isDirectory'>): boolean {
  return !status.isDirectory() || !files.has(name)
}

/** A file that was moved out of the workspace; `to` is null when it could not be moved. */
export type Withdrawn = { name: string; to: string | null }

/** Names that programs read only as a file. */
const files = new Set<string>(withdrawnNames.filter(name => !withdrawnFolders.includes(name)))

/** Maximum bytes to copy to another file system; a settings file is far smaller. */
const limit = 1024 * 1024

/**
 * Moves files that appeared while an agent worked to `folder`, before a program of the host obeys them
 * (threat H1). `names` are at the top of the workspace; of a file's name, leaves a folder, which no program
 * reads. Follows no symlink; the agent may exchange the file meanwhile (threat H2).
 */
export async function withdraw(
  workspace: string,
  names: readonly string[],
  folder: string,
  now = new Date(),
): Promise<Withdrawn[]> {
  const withdrawn: Withdrawn[] = []
  for (const name of names) {
    const place = await openParentFolder(workspace, name).catch(() => null)
    if (!place) continue
    try {
      const status = await lstat(place.folder.at(name)).catch(() => null)
      if (!status || !isObeyed(name, status)) continue
      const moved = `${now.toISOString().replaceAll(':', '.')}-${name}`
      await mkdir(folder, { recursive: true, mode: 0o700 })
      withdrawn.push({ name, to: await moveOut(place.folder, name, { workspace, folder, moved }) })
    } finally {
      await place.folder.close()
    }
  }
  return withdrawn
}

type Target = { workspace: string; folder: string; moved: string }

/** Returns the new path. A file that cannot leave its file system gets a name that no program obeys. */
async function moveOut(place: OpenFolder, name: string, { workspace, folder, moved }: Target) {
  const to = join(folder, moved)
  try {
    await rename(place.at(name), to)
    return to
  } catch (error) {
    if (systemCode(error) === 'EXDEV' && (await copyOut(place.at(name), to))) return to
  }
  const beside = `${name}.withdrawn-${moved.slice(0, -name.length - 1)}`
  return rename(place.at(name), place.at(beside)).then(
    () => join(workspace, beside),
    () => null,
  )
}

async function copyOut(path: SystemPath, to: string): Promise<boolean> {
  const file = await readRegularFile(path, { limit }).catch(() => null)
  if (file?.kind !== 'bytes') return false
  try {
    await writeFile(to, file.bytes, { mode: 0o600, flag: 'wx' })
    await unlink(path)
    return true
  } catch {
    return false
  }
}
