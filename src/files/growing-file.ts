import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMissing } from '../base/errors.ts'

const pollMilliseconds = 200

/**
 * Yields the bytes of a file while another process appends to it, until `whole` resolves to true or the
 * signal fires. A missing file counts as empty.
 */
export async function* readGrowing(
  path: string,
  { whole, signal }: { whole: () => Promise<boolean>; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  let position = 0
  while (!signal.aborted) {
    // Checked before reading, so that the last read gets everything written before the end.
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
