import type { FileHandle } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { HttpError } from '../../tenants/http-error.ts'

/** Returns the answer for a body that is larger than a file may be. */
export function tooLarge(most: number): HttpError {
  return new HttpError(413, `file too large (at most ${most} bytes)`)
}

/**
 * Writes a request's body to a file, one chunk at a time, so that a slow disk slows the sender. Returns its
 * size. Throws as soon as the body passes the limit, and when the sender goes away.
 */
export async function receiveBody(
  request: IncomingMessage,
  file: FileHandle,
  most: number,
): Promise<number> {
  let size = 0
  // Destroying the request would close the connection before the answer is sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > most) throw tooLarge(most)
    for (let at = 0; at < chunk.length; ) {
      const { bytesWritten } = await file.write(chunk, at, chunk.length - at)
      at += bytesWritten
    }
  }
  // Never take a body that was cut off for a whole one.
  if (!request.complete) throw new HttpError(400, 'the body ended early')
  return size
}

const lingerBytes = 16 * 1024 * 1024
const lingerMilliseconds = 5_000

/**
 * Throws away what is left of a refused body: a client that is still sending would see a reset connection
 * instead of the answer. Closes the connection of one that goes on for long.
 */
export function discardBody(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  let left = lingerBytes
  const timer = setTimeout(() => request.destroy(), lingerMilliseconds)
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) request.destroy()
  })
  request.on('error', () => {})
  request.once('close', () => clearTimeout(timer))
  request.resume()
}
