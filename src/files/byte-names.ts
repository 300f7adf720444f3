import { type Dirent, opendirSync, readdirSync } from 'node:fs'

/** A path for a system call. */
export type SystemPath = string | Buffer

const unknown = '\uFFFD'

/** Bytes that are not UTF-8, as lone surrogates. */
const escapes = /(?<![\ud800-\udbff])[\udc80-\udcff]/

/**
 * Decodes a file name, which is bytes to the kernel, without loss: bytes that are not UTF-8 become the lone
 * surrogates U+DC80 to U+DCFF, as in Python's `surrogateescape`. Valid UTF-8 has no surrogates, so two names
 * never become one, and JSON keeps them.
 */
export function nameOfBytes(bytes: Buffer): string {
  const text = bytes.toString()
  if (!text.includes(unknown) || Buffer.from(text).equals(bytes)) return text
  let name = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceAt(bytes, at)
    name +=
      length > 0
        ? bytes.toString('utf8', at, at + length)
        : String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
    at += length || 1
  }
  return name
}

/** Returns the length of the UTF-8 sequence at an offset; 0 when there is none. */
function sequenceAt(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  const part = bytes.subarray(at, at + length)
  return part.length === length && Buffer.from(part.toString()).equals(part) ? length : 0
}

/** Returns whether a name has bytes that are not UTF-8. */
export function hasOtherBytes(name: string): boolean {
  return escapes.test(name)
}

/** Encodes what `nameOfBytes` decoded. */
export function bytesOfName(name: string): Buffer {
  if (!hasOtherBytes(name)) return Buffer.from(name)
  const parts = name.split(new RegExp(`(${escapes.source})`))
  return Buffer.concat(
    parts.map(part =>
      hasOtherBytes(part) ? Buffer.from([part.charCodeAt(0) - 0xdc00]) : Buffer.from(part),
    ),
  )
}

/** Returns a path for a system call: bytes only where the name needs them. */
export function systemPath(path: string): SystemPath {
  return hasOtherBytes(path) ? bytesOfName(path) : path
}

/** An entry of a folder. */
export type FolderEntry = Pick<Dirent, 'name' | 'isFile' | 'isDirectory' | 'isSymbolicLink'>

/** Lists a folder; its names are those of `nameOfBytes`. */
export function readFolderSync(path: string): FolderEntry[] {
  const at = systemPath(path)
  const entries = readdirSync(at, { withFileTypes: true })
  if (!entries.some(({ name }) => name.includes(unknown))) return entries
  return readdirSync(at, { withFileTypes: true, encoding: 'buffer' }).map(entry => ({
    name: nameOfBytes(Buffer.from(entry.name)),
    isFile: () => entry.isFile(),
    isDirectory: () => entry.isDirectory(),
    isSymbolicLink: () => entry.isSymbolicLink(),
  }))
}

/**
 * Lists at most `most` entries of a folder: the names in a folder of the agent can fill our memory. Its names
 * are those of `nameOfBytes`.
 */
export function readFolderUpTo(path: string, most: number): FolderEntry[] {
  // Every byte is one character of latin1.
  const folder = opendirSync(systemPath(path), { encoding: 'latin1', bufferSize: 256 })
  const entries: FolderEntry[] = []
  try {
    while (entries.length < most) {
      const entry = folder.readSync()
      if (entry === null) break
      entry.name = nameOfBytes(Buffer.from(entry.name, 'latin1'))
      entries.push(entry)
    }
    return entries
  } finally {
    folder.closeSync()
  }
}
