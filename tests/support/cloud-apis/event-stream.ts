import { crc32 } from 'node:zlib'

/** Encodes one message of Amazon's event stream, byte by byte as Amazon describes it. */
export function encodeMessage(headers: Record<string, string>, body: string): Buffer {
  const encoded = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(Buffer.byteLength(value))
      // 7 is the type of a string.
      return Buffer.concat([
        Buffer.from([Buffer.byteLength(name)]),
        Buffer.from(name),
        Buffer.from([7]),
        length,
        Buffer.from(value),
      ])
    }),
  )
  const payload = Buffer.from(body)
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(16 + encoded.length + payload.length, 0)
  prelude.writeUInt32BE(encoded.length, 4)
  const start = Buffer.concat([prelude, checksum(prelude), encoded, payload])
  return Buffer.concat([start, checksum(start)])
}

/** A chunk as Bedrock sends it: an event of the Messages API in base64, and padding. */
export function encodeChunk(event: object): Buffer {
  return encodeMessage(
    {
      ':event-type': 'chunk',
      ':content-type': 'application/json',
      ':message-type': 'event',
    },
    JSON.stringify({ bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcdef' }),
  )
}

export function encodeException(type: string, message: string): Buffer {
  return encodeMessage(
    {
      ':exception-type': type,
      ':content-type': 'application/json',
      ':message-type': 'exception',
    },
    JSON.stringify({ message }),
  )
}

function checksum(bytes: Buffer): Buffer {
  const result = Buffer.alloc(4)
  result.writeUInt32BE(crc32(bytes))
  return result
}
