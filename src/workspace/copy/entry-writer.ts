import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { bytesOfName, hasOtherBytes } from '../../files/byte-names.ts'
import { fillBuffer, type HeldFile, isSteady } from './read-file.ts'
import { renderByteNames } from './tar-entries.ts'

type Header = Parameters<Pack['entry']>[0]

/** `nothing`: it changed before its header was written. `torn`: it changed after that. */
export type WrittenFile = { written: 'whole' | 'torn' | 'nothing'; sha256: string }

/** Larger files are not held in memory: their header is written before their content is read. */
const heldBytes = 1024 * 1024

/** Writes entries into a tar stream. A later entry of a path replaces the earlier one. */
export function createEntryWriter(tar: Pack, owner: { uid: number; gid: number }) {
  /** Writes names that are not UTF-8 in a header before the entry, which gets others. */
  const named = (header: Header): Header => {
    const { name, linkname } = header
    const path = hasOtherBytes(name) ? bytesOfName(name) : undefined
    const linkpath = linkname && hasOtherBytes(linkname) ? bytesOfName(linkname) : undefined
    if (!path && !linkpath) return header
    const whole = {
      path: path ?? Buffer.from(name),
      ...(linkname && { linkpath: linkpath ?? Buffer.from(linkname) }),
    }
    tar.push(renderByteNames(whole))
    return { ...header, name: 'bytes', ...(linkname && { linkname: 'bytes' }) }
  }
  const put = (header: Header, content: Buffer | string = '') =>
    new Promise<void>((resolve, reject) => {
      tar.entry({ ...named(header), ...owner }, content, error =>
        error ? reject(error) : resolve(),
      )
    })

  const streamFile = async (header: Header & { size: number }, file: HeldFile) => {
    const hash = createHash('sha256')
    const state = { read: 0 }
    const content = function* () {
      for (let position = 0; position < header.size; position += heldBytes) {
        const chunk = Buffer.alloc(Math.min(heldBytes, header.size - position))
        // A file that shrinks is filled up with zeros: its length stands in the header.
        state.read += fillBuffer(file, chunk, position)
        hash.update(chunk)
        yield chunk
      }
    }
    await new Promise<void>((resolve, reject) => {
      const sink = tar.entry({ ...named(header), ...owner }, error =>
        error ? reject(error) : resolve(),
      )
      pipeline(content, sink).catch(reject)
    })
    const written = isSteady(file, state.read) ? 'whole' : 'torn'
    return { written, sha256: hash.digest('hex') } as const
  }

  return {
    folder: (name: string) => put({ name, type: 'directory', mode: 0o755 }),
    content: (name: string, content: Buffer) => put({ name, mode: 0o644 }, content),
    link: (name: string, linkname: string) => put({ name, type: 'symlink', linkname }),
    async file(name: string, file: HeldFile): Promise<WrittenFile> {
      const { size, executable } = file
      const header = { name, mode: executable ? 0o755 : 0o644, size }
      if (size > heldBytes) return streamFile(header, file)
      const content = Buffer.allocUnsafe(size)
      const read = fillBuffer(file, content, 0)
      if (!isSteady(file, read)) return { written: 'nothing', sha256: '' }
      await put(header, content)
      return { written: 'whole', sha256: createHash('sha256').update(content).digest('hex') }
    },
  }
}
export type EntryWriter = ReturnType<typeof createEntryWriter>

/**
 * Returns a tar stream with the entries that `fill` writes, and the result of `fill`. The stream ends when
 * `fill` does, and fails with its error.
 */
export function packedStream<T>(tar: Pack, fill: () => Promise<T>) {
  const packed = fill().then(
    result => {
      tar.finalize()
      return result
    },
    error => {
      tar.destroy(error instanceof Error ? error : new Error(String(error)))
      throw error
    },
  )
  // The caller that awaits `packed` handles the error; it must not count as unhandled before that.
  packed.catch(() => {})
  return {
    tar: Readable.from(coalesce(tar as AsyncIterable<Buffer>), { objectMode: false }),
    packed,
  }
}

/**
 * Joins small chunks into chunks of at least `bytes`, except the last: each write to a socket costs more
 * than copying a small file's content.
 */
export async function* coalesce(
  chunks: AsyncIterable<Uint8Array>,
  bytes = 256 * 1024,
): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    held.push(chunk)
    size += chunk.length
    if (size < bytes) continue
    const [only] = held
    yield held.length === 1 && only
      ? Buffer.from(only.buffer, only.byteOffset, size)
      : Buffer.concat(held)
    held = []
    size = 0
  }
  if (size > 0) yield Buffer.concat(held)
}
