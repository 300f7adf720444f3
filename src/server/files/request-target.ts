import { bytesOfName, nameOfBytes } from '../../files/byte-names.ts'
import { type Target, targetOf } from '../../tenants/files/target.ts'

/** The one route that all requests for files reach: see `fileRoute`. */
const route = '/files'

/**
 * Maps `/files` and all below it to one route, for Fastify's `rewriteUrl`: its router would refuse names
 * that are not UTF-8, and decode the others before we see them. Returns any other URL unchanged.
 */
export function fileRoute(url: string): string {
  return /^\/files(?:[/?]|$)/.test(url) ? route : url
}

/** Parses the path of a request's URL, as it came, and decodes it once. */
export function parseTarget(url: string): Target {
  const path = (url.split('?', 1)[0] ?? '').slice(route.length)
  return targetOf(nameOfBytes(decodePercent(path.startsWith('/') ? path.slice(1) : path)))
}

/** Decodes `%XX` to bytes. A `%` without two digits stays, as claudebox has it. */
function decodePercent(path: string): Buffer {
  // Node.js gives each byte of a request line as one character.
  const text = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(text, 'latin1')
}

/** Encodes a file name for `filename*=` of a header: bytes that are not UTF-8 survive. */
export function encodePercent(name: string): string {
  let text = ''
  for (const byte of bytesOfName(name)) {
    const character = String.fromCharCode(byte)
    text += /[\w.~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}
