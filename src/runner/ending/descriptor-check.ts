import { closeSync, openSync } from 'node:fs'
import type { GiveUp } from '../claude/process.ts'

const pauseMilliseconds = 500

/**
 * Tests whether the runner can still open a file, while it serves a run. Without a file descriptor it takes no
 * connection, and so no cancel, and the kernel does not report that.
 *
 * @returns a function that ends the test
 */
export function checkDescriptors(
  giveUp: GiveUp,
  open: (path: string) => number = path => openSync(path, 'r'),
  pause = pauseMilliseconds,
): () => void {
  const timer = setInterval(() => {
    try {
      closeSync(open('/proc/self/stat'))
    } catch (error) {
      clearInterval(timer)
      giveUp(error)
    }
  }, pause)
  return () => clearInterval(timer)
}
