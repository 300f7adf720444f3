import type { ServerResponse } from 'node:http'
import type { HeldFile } from '../../files/held-file.ts'
import { whenOver } from '../plugins/answer-over.ts'

const bufferBytes = 128 * 1024

/**
 * Writes a part of an open file as the rest of an answer, at its reader's pace, and closes the file. Reads into two
 * buffers in turns: with new ones for each read, fifty readers of a large file leave a hundred megabytes of garbage
 * before the first collection (threat M6). An answer whose file was cut meanwhile is broken off: fewer bytes than
 * announced would make the next answer a part of this one.
 */
export async function sendFilePart(
  response: ServerResponse,
  file: HeldFile,
  { first, length }: { first: number; length: number },
): Promise<void> {
  const writer = createWriter(response)
  const size = Math.min(bufferBytes, length)
  const buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)] as const
  try {
    let written = Promise.resolve()
    for (let at = 0, turn: 0 | 1 = 0; at < length; turn = turn === 0 ? 1 : 0) {
      const buffer = buffers[turn]
      const most = Math.min(size, length - at)
      const { bytesRead } = await file.read(buffer, 0, most, first + at)
      // What is read next goes where this was.
      await written
      if (bytesRead === 0 || writer.isOver()) return void response.destroy()
      written = writer.write(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    await written
    response.end()
  } catch {
    response.destroy()
  } finally {
    await file.close()
  }
}

/** Writes to an answer; each write resolves when its bytes were passed on, or when the answer is over. */
function createWriter(response: ServerResponse) {
  let isOver = false
  let release = () => {}
  whenOver(response, () => {
    isOver = true
    release()
  })
  return {
    isOver: () => isOver,
    write(bytes: Buffer): Promise<void> {
      if (isOver) return Promise.resolve()
      return new Promise(resolve => {
        release = resolve
        response.write(bytes, () => resolve())
      })
    },
  }
}
