import { unlink } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { systemCode } from '../../base/errors.ts'
import { descend, openRootFolder } from '../../files/beneath.ts'
import { checkWrite, etagOf } from '../../tenants/files/conditions.ts'
import { refuseStopped, statEntry } from '../../tenants/files/entry.ts'
import { notFound } from '../../tenants/files/file-error.ts'
import type { Target } from '../../tenants/files/target.ts'
import type { Turns } from '../../tenants/files/turns.ts'
import { HttpError } from '../../tenants/http-error.ts'

export type RemoveOptions = {
  root: string
  target: Target
  headers: IncomingHttpHeaders
  turns: Turns
}

/** Deletes a file, or a symlink itself; never a folder. */
export async function removeFile({ root, target, headers, turns }: RemoveOptions): Promise<void> {
  const { parts, relative, asked } = target
  const name = parts.at(-1)
  if (name === undefined) throw noFolders()
  const parent = await descend(await openRootFolder(root), parts.slice(0, -1))
  const release = await turns.take(`${root}\0${relative}`)
  try {
    if (parent.stopped !== null) await refuseStopped(parent, asked)
    const stats = await statEntry(parent.folder, name)
    if (stats === null) throw notFound(asked)
    if (stats.isDirectory()) throw noFolders()
    checkWrite(headers, etagOf(stats))
    await unlink(parent.folder.at(name))
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') throw notFound(asked)
    throw code === 'EISDIR' ? noFolders() : error
  } finally {
    release()
    await parent.folder.close()
  }
}

function noFolders() {
  return new HttpError(400, 'cannot delete directories')
}
