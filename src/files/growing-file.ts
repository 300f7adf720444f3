import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { openRegularFile } from './regular-file.ts'

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
    for await (const chunk of readFrom(path, position)) {
      position += chunk.length
      yield chunk
    }
    if (last) return
    await sleep(pollMilliseconds, undefined, { signal }).catch(() => {})
  }
}

/** Streams a regular file from a position; nothing when it is missing. */
export async function* readFrom(path: string, start: number): AsyncGenerator<Buffer> {
  const opened = await openRegularFile(path)
  if (opened.kind === 'missing') return
  if (opened.kind !== 'open') {
    throw new UserError(`${terminalLine(path)} is not a regular file`, {
      hint: 'remove it, and run the command again',
    })
  }
  yield* opened.file.createReadStream({ start })
}
