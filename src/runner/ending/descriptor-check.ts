import { closeSync, openSync } from 'node:fs'
import type { GiveUp } from '../claude/process.ts'

const pauseMilliseconds = 500

/**
 * Tests again and again whether the runner can still open a file. Without a file descriptor it takes no
 * connection, and so no cancel, and the kernel does not report that.
 *
 * @returns a function that ends the test
 */
export function checkDescriptors(
  giveUp: GiveUp,
  {
    open = path => openSync(path, 'r'),
    pause = pauseMilliseconds,
  }: { open?: (path: string) => number; pause?: number } = {},
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
