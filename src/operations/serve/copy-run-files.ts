import { type FileHandle, lstat, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../base/errors.ts'
import { activityBytes, historyFiles } from '../../config/schedule-history.ts'
import { descend, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { openRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'

/** With the result, which the server writes beyond its own bound. */
const fileBytes = 4 * activityBytes

const chunkBytes = 256 * 1024

/**
 * Copies the files of a run to a new folder, for the user alone. Leaves out symlinks and other files that are not
 * regular. Returns the number of bytes.
 */
export async function copyRunFiles(from: OpenFolder, to: string): Promise<number> {
  await mkdir(to, 0o700)
  let bytes = 0
  for (const name of historyFiles) bytes += await copyFile(from, name, join(to, name))
  return bytes
}

/**
 * Adds telegram.json to a run that was exported before its answer was sent.
 *
 * @param parent real path, or that of a held folder, in which the run is
 */
export async function addMissingFile(from: OpenFolder, parent: string, run: string): Promise<void> {
  const name = 'telegram.json'
  const { folder, stopped } = await descend(await openRootFolder(parent), [run])
  try {
    if (stopped !== null) return
    const error = await lstat(folder.at(name)).then(() => null, systemCode)
    if (error === 'ENOENT') await copyFile(from, name, `/proc/self/fd/${folder.file.fd}/${name}`)
  } finally {
    await folder.close()
  }
}

async function copyFile(from: OpenFolder, name: string, to: string): Promise<number> {
  const opened = await openRegularFile(from.at(name))
  if (opened.kind !== 'open') return 0
  let bytes = 0
  try {
    // The caller names the folder: this path is of a descriptor.
    const copy = async (file: FileHandle) => {
      bytes = await copyBytes(opened.file, file)
    }
    await replaceFile(to, copy, { failed: cause => cause })
    return bytes
  } finally {
    await opened.file.close()
  }
}

/** Copies in chunks: the files of a job that says much are large. */
async function copyBytes(from: FileHandle, to: FileHandle): Promise<number> {
  const buffer = Buffer.alloc(chunkBytes)
  let copied = 0
  while (copied < fileBytes) {
    const { bytesRead } = await from.read(buffer, 0, chunkBytes, copied)
    if (bytesRead === 0) break
    await to.writeFile(buffer.subarray(0, bytesRead))
    copied += bytesRead
  }
  return copied
}
