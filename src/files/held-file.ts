import { closeSync, read } from 'node:fs'

/** A file or folder that is held open by its descriptor; a `FileHandle` is one, too. */
export type HeldFile = {
  readonly fd: number
  /** Reads from `position`, or on from where the last read without a position ended. */
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position?: number | null,
  ): Promise<{ bytesRead: number }>
  /** Closes it once no read is under way: its number may be another file's after that. */
  close(): Promise<void>
}

/**
 * Holds a descriptor that is open for reading, and closes it without a task of the thread pool: nothing was
 * written that a close could wait for.
 */
export function holdFile(descriptor: number): HeldFile {
  let reads = 0
  let isClosed = false
  return {
    fd: descriptor,
    read(buffer, offset, length, position = null) {
      if (isClosed) return Promise.reject(new Error('the file is closed'))
      reads += 1
      return new Promise((resolve, reject) =>
        read(descriptor, buffer, offset, length, position, (error, bytesRead) => {
          reads -= 1
          if (isClosed && reads === 0) closeSync(descriptor)
          if (error) reject(error)
          else resolve({ bytesRead })
        }),
      )
    },
    async close() {
      if (isClosed) return
      isClosed = true
      if (reads === 0) closeSync(descriptor)
    },
  }
}

const chunkBytes = 256 * 1024

/** Reads a file from its beginning to its end, in chunks. */
export async function* readChunks(
  file: Pick<HeldFile, 'read'>,
  size = chunkBytes,
): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const buffer = Buffer.alloc(size)
    const { bytesRead } = await file.read(buffer, 0, size, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
