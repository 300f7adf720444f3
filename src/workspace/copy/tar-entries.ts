import { nameOfBytes } from '../../files/byte-names.ts'

export type TarEntry = {
  /** Bytes that are not UTF-8 are as `nameOfBytes` decodes them. */
  name: string
  linkname: string
  type: 'file' | 'link' | 'symlink' | 'other'
  mode: number
  /** Bytes of the content. */
  size: number
  content(): AsyncGenerator<Buffer>
}

const block = 512

/** Maximum bytes of an extended header: a path has at most 4,096. */
const largestHeader = 1024 * 1024

const types: Record<string, TarEntry['type']> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
}

/**
 * Reads the entries of a tar archive (ustar, pax and GNU names), without loss of bytes in names, which the
 * packages for it decode as UTF-8. Skips content that the caller does not read. Throws when the archive ends
 * before its end mark.
 */
export async function* readTarEntries(tar: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const source = createSource(tar)
  let next: { name?: string; linkname?: string; size?: number } = {}
  try {
    for (;;) {
      const header = await source.take(block)
      if (isEmpty(header)) {
        if (!isEmpty(await source.take(block))) throw new Error('the archive has no end')
        await source.drain()
        return
      }
      checkSum(header)
      const kind = String.fromCharCode(header[156] ?? 0)
      const size = next.size ?? numberAt(header, 124, 12)
      if ('xgLK'.includes(kind)) {
        if (size > largestHeader) throw new Error('a header of the archive is too large')
        const body = await source.take(padded(size))
        next = { ...next, ...extension(kind, body.subarray(0, size)) }
        continue
      }
      const remaining = { content: size, padding: padded(size) - size }
      yield {
        name: next.name ?? pathIn(header),
        linkname: next.linkname ?? textAt(header, 157, 100),
        type: types[kind] ?? 'other',
        mode: numberAt(header, 100, 8),
        size,
        async *content() {
          while (remaining.content > 0) {
            const chunk = await source.some(remaining.content)
            remaining.content -= chunk.length
            yield chunk
          }
        },
      }
      await source.skip(remaining.content + remaining.padding)
      next = {}
    }
  } finally {
    await source.close()
  }
}

function createSource(tar: AsyncIterable<Buffer>) {
  const chunks = tar[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  const more = async () => {
    const { value, done } = await chunks.next()
    if (done) throw new Error('the archive ends early')
    return value
  }
  /** Returns between 1 and `most` bytes. */
  const some = async (most: number) => {
    while (rest.length === 0) rest = await more()
    const taken = rest.subarray(0, most)
    rest = rest.subarray(taken.length)
    return taken
  }
  return {
    some,
    async take(size: number) {
      if (rest.length < size) {
        const parts = [rest]
        for (let length = rest.length; length < size; ) {
          const part = await more()
          parts.push(part)
          length += part.length
        }
        rest = Buffer.concat(parts)
      }
      const taken = rest.subarray(0, size)
      rest = rest.subarray(size)
      return taken
    },
    async skip(size: number) {
      for (let left = size; left > 0; ) left -= (await some(left)).length
    },
    async drain() {
      rest = Buffer.alloc(0)
      while (!(await chunks.next()).done);
    },
    close: async () => void (await chunks.return?.()),
  }
}

const padded = (size: number) => Math.ceil(size / block) * block
const isEmpty = (header: Buffer) => header.every(byte => byte === 0)

function checkSum(header: Buffer) {
  let sum = 8 * 0x20
  for (const [index, byte] of header.entries()) if (index < 148 || index >= 156) sum += byte
  if (sum !== numberAt(header, 148, 8)) throw new Error('a header of the archive is damaged')
}

function bytesAt(header: Buffer, at: number, length: number) {
  const field = header.subarray(at, at + length)
  const end = field.indexOf(0)
  return end < 0 ? field : field.subarray(0, end)
}

function textAt(header: Buffer, at: number, length: number) {
  return nameOfBytes(bytesAt(header, at, length))
}

function pathIn(header: Buffer) {
  const name = bytesAt(header, 0, 100)
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? bytesAt(header, 345, 155) : Buffer.alloc(0)
  return nameOfBytes(prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), name]) : name)
}

/** Parses an octal number, or the base-256 number of a large file. */
function numberAt(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length)
  if ((field[0] ?? 0) & 0x80) return field.subarray(-6).readUIntBE(0, 6)
  return Number.parseInt(bytesAt(header, at, length).toString('latin1').trim() || '0', 8)
}

/** Parses what a header says of the next entry. */
function extension(
  kind: string,
  body: Buffer,
): { name?: string; linkname?: string; size?: number } {
  if (kind === 'g') return {}
  if (kind === 'L') return { name: textAt(body, 0, body.length) }
  if (kind === 'K') return { linkname: textAt(body, 0, body.length) }
  const found: ReturnType<typeof extension> = {}
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at)
    const length = Number.parseInt(body.toString('latin1', at, space), 10)
    if (space < 0 || !(length > 0)) throw new Error('a header of the archive is damaged')
    const record = body.subarray(space + 1, at + length - 1)
    const equals = record.indexOf(0x3d)
    const key = record.toString('latin1', 0, equals)
    const value = record.subarray(equals + 1)
    if (key === 'path') found.name = nameOfBytes(value)
    else if (key === 'linkpath') found.linkname = nameOfBytes(value)
    else if (key === 'size') found.size = Number(value.toString('latin1'))
    at += length
  }
  return found
}

/**
 * Renders the extended header of an entry whose name or target has bytes that are not UTF-8; the packages
 * for tar encode names as UTF-8.
 */
export function renderByteNames(names: { path?: Buffer; linkpath?: Buffer }): Buffer {
  const records = Object.entries(names).map(([key, value]) => {
    const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
    let length = rest.length + 1
    while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length
    return Buffer.concat([Buffer.from(`${length}`), rest])
  })
  const body = Buffer.concat(records)
  const header = Buffer.alloc(block)
  header.write('PaxHeader', 0)
  header.write('0000644\0', 100)
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('x', 156)
  header.write('ustar\u000000', 257)
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, body, Buffer.alloc(padded(body.length) - body.length)])
}
