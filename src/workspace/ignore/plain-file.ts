import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** A regular file up to `limit` bytes; null for anything else: no link is followed, no pipe waited for. */
export async function readPlainFile(path: string, limit: number): Promise<Buffer | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(path, flags).catch(() => null)
  if (!file) return null
  try {
    const status = await file.stat()
    if (!status.isFile() || status.size > limit) return null
    const buffer = Buffer.alloc(status.size)
    const { bytesRead } = await file.read(buffer, 0, status.size, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
