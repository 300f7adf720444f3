import type { Writable } from 'node:stream'

/**
 * Resolves when a stream has room again, or has closed. `stream` has just refused a write (`write` gave false).
 * It leaves no listener behind: a long run with a slow reader waits thousands of times on one stream.
 */
export function whenRoom(stream: Writable): Promise<void> {
  if (stream.closed || stream.destroyed) return Promise.resolve()
  return new Promise(resolve => {
    const over = () => {
      stream.off('drain', over).off('close', over)
      resolve()
    }
    stream.on('drain', over).on('close', over)
  })
}
