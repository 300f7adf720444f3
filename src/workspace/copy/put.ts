import { constants, createReadStream } from 'node:fs'
import {
  chown,
  type FileHandle,
  open,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  unlink,
} from 'node:fs/promises'
import { namesOnly, notApplied, openParentFolder } from '../../files/beneath.ts'
import { type SystemPath, systemPath } from '../../files/byte-names.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { Entry } from './entry.ts'

export type NewContent = {
  entry: Entry
  /** File with the content; absent for a symlink. */
  source?: string
  mode: number
  /** Owner of the file that is replaced. Default: the owner of the folder. */
  owner?: { uid: number; gid: number }
  /** `content`: the caller syncs the folder, once for many files. */
  durable?: 'content'
}

/** Puts a file or symlink at `path` atomically; `temporary` is its name until it is complete. */
export async function putEntry(root: string, path: string, content: NewContent, temporary: string) {
  const place = await openParentFolder(root, path, { make: true })
  if (!place) throw notApplied(path, 'its folder disappeared')
  const { folder, name } = place
  const next = folder.at(temporary)
  try {
    const owner = content.owner ?? (await folder.file.stat())
    const mustKeep = content.owner !== undefined
    if (content.entry.type === 'link') {
      await symlink(systemPath(content.entry.target), next)
      await giveAway(path, mustKeep, () => giveLink(next, owner))
      await rename(next, folder.at(name))
    } else {
      const { source, mode, durable = true } = content
      if (source === undefined) throw notApplied(path, 'its content is missing')
      const write = async (file: FileHandle) => {
        await fill(file, source)
        await giveAway(path, mustKeep, () => file.chown(owner.uid, owner.gid))
      }
      // The caller words the error: the path here is below /proc.
      const failed = (cause: unknown) => cause
      await replaceFile(folder.at(name), write, {
        mode,
        durable,
        temporary: next,
        failed,
      })
    }
  } finally {
    await rm(next, { force: true })
    await folder.close()
  }
}

async function fill(file: FileHandle, source: string) {
  // A stream costs more than the content of most files.
  if ((await stat(source)).size <= small) return file.writeFile(await readFile(source))
  for await (const chunk of createReadStream(source)) await file.writeFile(chunk)
}

const small = 1024 * 1024

/** Changes the owner. On failure, rejects a file that must keep its owner; any other stays ours. */
async function giveAway(path: string, mustKeep: boolean, change: () => Promise<void>) {
  try {
    await change()
  } catch (error) {
    if (mustKeep) throw notApplied(path, 'it belongs to another user', error)
  }
}

/** Changes the owner of a symlink, and of nothing that was put in its place. */
async function giveLink(path: SystemPath, { uid, gid }: { uid: number; gid: number }) {
  const link = await open(path, namesOnly | constants.O_NOFOLLOW)
  try {
    if ((await link.stat()).isSymbolicLink()) await chown(`/proc/self/fd/${link.fd}`, uid, gid)
  } finally {
    await link.close()
  }
}

/** Removes a file or symlink, and those of `folders` that are empty afterwards. */
export async function removeEntry(root: string, path: string, folders: readonly string[]) {
  const place = await openParentFolder(root, path)
  if (!place) return
  try {
    await unlink(place.folder.at(place.name))
  } finally {
    await place.folder.close()
  }
  await removeEmptyFolders(root, folders)
}

/** Removes the innermost first, up to the first folder that is not empty. */
async function removeEmptyFolders(root: string, folders: readonly string[]) {
  for (const path of [...folders].sort().reverse()) {
    const place = await openParentFolder(root, path)
    if (!place) continue
    const removed = await rmdir(place.folder.at(place.name)).then(
      () => true,
      () => false,
    )
    await place.folder.close()
    if (!removed) return
  }
}
