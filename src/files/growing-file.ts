import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMilliseconds = 200

/**
 * The bytes of a file that somebody else appends to, until `whole` says that nothing follows or the
 * signal fires. A file that is not there yet is empty.
 */
export async function* readGrowing(
  path: string,
  { whole, signal }: { whole: () => Promise<boolean>; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  let position = 0
  while (!signal.aborted) {
    // Asked first: what was written before the end is read after it.
    const last = await whole()
    try {
      for await (const chunk of createReadStream(path, { start: position })) {
        position += chunk.length
        yield chunk
      }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    if (last) return
    await sleep(pollMilliseconds, undefined, { signal }).catch(() => {})
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
