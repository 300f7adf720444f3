/**
 * Returns the paths in git's index (versions 2 to 4); folders of a sparse index end with a slash. Null
 * when it is not an index, or has another format. Parsed here rather than by git: git obeys the
 * configuration of a repository that it opens, which an agent may have written (threat H1).
 */
export function parseGitIndex(index: Buffer): string[] | null {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return null
  const version = index.readUInt32BE(4)
  const count = index.readUInt32BE(8)
  if (version < 2 || version > 4) return null
  // SHA-1 or SHA-256: the file does not record which.
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
    // Padded with at least one NUL to a multiple of eight.
    at = version === 4 ? end + 1 : at + (((end - at) >> 3) + 1) * 8
  }
  return paths
}

/** Reads git's variable-length number of bytes to drop from the previous name. */
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
