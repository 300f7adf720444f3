/** Bytes `first` to `last`, both included. */
export type ByteRange = { first: number; last: number }

/**
 * Parses the header Range for a file of `size` bytes. Returns null for the whole file: without the header,
 * with another unit, or with several ranges, which RFC 9110 lets a server ignore.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | null {
  const given = /^bytes=(.*)$/i.exec(header ?? '')?.[1]
  if (given === undefined || given.includes(',')) return null
  const [, start, end] = /^[ \t]*(\d*)-(\d*)[ \t]*$/.exec(given) ?? []
  if (start === undefined || end === undefined || start + end === '') return 'unsatisfiable'
  if (start === '') {
    const length = Math.min(Number(end), size)
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 }
  }
  const first = Number(start)
  const last = end === '' ? size - 1 : Math.min(Number(end), size - 1)
  if (end !== '' && Number(end) < first) return 'unsatisfiable'
  return first >= size ? 'unsatisfiable' : { first, last }
}
