import type { Duplex } from 'node:stream'

/**
 * A text with which a command begins when it needs nothing more; the user does not see it. `missed` is called
 * when its output begins with anything else. A terminal can lose what was written to it before a program
 * takes it over, so a missing text must be harmless.
 */
export type Announcement = { text: string; missed: () => Promise<void> }

/**
 * Reads the beginning of a command's output; resolves with the bytes to show. Calls `missed` if it does not
 * begin with the announcement, and does not wait for it; `failed` gets what it rejects with.
 */
export function withoutAnnouncement(
  socket: Duplex,
  first: Buffer,
  announcement: Announcement | undefined,
  failed: (error: unknown) => void,
): Promise<Buffer> {
  if (!announcement) return Promise.resolve(first)
  const { text, missed } = announcement
  const expected = Buffer.from(text)
  return new Promise(resolve => {
    let received = first
    const settle = (shown: Buffer) => {
      socket.off('data', read).off('close', end).off('end', end).pause()
      resolve(shown)
    }
    const end = () => settle(received)
    const decide = () => {
      const length = Math.min(received.length, expected.length)
      if (received.compare(expected, 0, length, 0, length) !== 0) {
        missed().catch(failed)
        settle(received)
      } else if (length === expected.length) {
        settle(received.subarray(length))
      }
    }
    const read = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      decide()
    }
    // Paused by the reader of the engine's head; stays so when this has decided.
    socket.on('data', read).once('close', end).once('end', end).resume()
    decide()
  })
}
