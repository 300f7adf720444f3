/**
 * Paths in git's index (versions 2 to 4), those of a sparse index with a slash at the end. Null when it
 * is none, or one of another kind. Read by us and not by git: a git that opens a repository obeys its
 * configuration, which an agent may have written (threat H1).
 */
export function parseGitIndex(index: Buffer): string[] | null {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return null
  const version = index.readUInt32BE(4)
  const count = index.readUInt32BE(8)
  if (version < 2 || version > 4) return null
  // Of SHA-1 or of SHA-256: the file does not say which.
  return readEntries(index, version, count, 20) ?? readEntries(index, version, count, 32)
}

function readEntries(index: Buffer, version: number, count: number, hash: number) {
  const paths: string[] = []
  let at = 12
  let last = Buffer.alloc(0)
  for (let entry = 0; entry < count; entry++) {
    const flagsAt = at + 40 + hash
    if (flagsAt + 4 > index.length) return null
    const extended = version >= 3 && (index.readUInt16BE(flagsAt) & 0x4000) !== 0
    let nameAt = flagsAt + (extended ? 4 : 2)
    let kept = Buffer.alloc(0)
    if (version === 4) {
      const dropped = readOffset(index, nameAt)
      if (!dropped || dropped.value > last.length) return null
      kept = last.subarray(0, last.length - dropped.value)
      nameAt = dropped.end
    }
    const end = index.indexOf(0, nameAt)
    if (end < 0) return null
    last = Buffer.concat([kept, index.subarray(nameAt, end)])
    const path = last.toString()
    if (!isPath(path)) return null
    paths.push(path)
    // Filled up with NUL to a multiple of eight, and with one at least.
    at = version === 4 ? end + 1 : at + (((end - at) >> 3) + 1) * 8
  }
  return paths
}

/** Git's own way to write how much of the last name is dropped. */
function readOffset(index: Buffer, at: number) {
  let value = 0
  for (let end = at; end < index.length && end < at + 5; end++) {
    const byte = index[end] ?? 0
    value = end === at ? byte & 127 : (value + 1) * 128 + (byte & 127)
    if (byte < 128) return { value, end: end + 1 }
  }
  return null
}

function isPath(path: string) {
  return (
    path !== '' && !path.startsWith('/') && path.split('/').every(part => !/^\.{1,2}$/.test(part))
  )
}
