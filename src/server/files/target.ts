import { bytesOfName, nameOfBytes } from '../../files/byte-names.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { outsideRoot } from './file-error.ts'

/** What a request names, below the folder of its tenant. */
export type Target = {
  /** The path as the caller asked for it, decoded; `` for the root. */
  asked: string
  /** Names of entries, outermost first: never empty, `.` or `..`. Empty for the root. */
  parts: readonly string[]
  /** The parts with slashes between them. */
  relative: string
  /** The path as an answer names it, such as `/workspaces/p/a.txt`. */
  absolute: string
}

/** The one route that all requests for files reach: see `fileRoute`. */
const route = '/files'

/** The caller's folder as an answer and the worker name it. */
const publicRoot = '/workspaces'

/** Linux takes no longer path in one call, so that no other program could reach such a file. */
const mostBytes = 4096

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

/**
 * Returns what a decoded path names. `..` is resolved in the text and never leads above the root
 * (threat M2).
 */
export function targetOf(asked: string): Target {
  if (bytesOfName(asked).length > mostBytes) throw new HttpError(400, 'path too long')
  if (asked.includes('\0')) throw new HttpError(400, 'path with a NUL byte')
  const parts: string[] = []
  for (const part of asked.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw outsideRoot()
  }
  const relative = parts.join('/')
  return { asked, parts, relative, absolute: relative ? `${publicRoot}/${relative}` : publicRoot }
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
