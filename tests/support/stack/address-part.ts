import { createServer } from 'node:net'
import type { Test } from 'tap'
import { until } from './process.ts'

/** The parts that this process holds, and for how many stacks. */
const held = new Map<number, { count: number; release: Promise<() => void> }>()

/**
 * The part of the test network that a stack uses: 203.0.113.128/25 has eight parts of 16 addresses, in
 * the upper half of the documentation range, because a machine's own mirror may stand in the lower
 * one. Each lane has two, which are enough for every file: none has stacks of more than two blocks.
 */
export function partOf(block: number): number {
  return Number(process.env.TEST_LANE ?? 0) * 2 + (block % 2)
}

/** Waits until no other process on this machine uses the part, and holds it to the end of the test. */
export async function claimPart(t: Test, part: number): Promise<void> {
  const mine = held.get(part) ?? { count: 0, release: lock(part) }
  mine.count += 1
  held.set(part, mine)
  t.teardown(() => {
    mine.count -= 1
    if (mine.count > 0) return
    held.delete(part)
    // Not awaited: a process that is stopped while it waits for the part would never end.
    void mine.release.then(release => release())
  })
  await mine.release
}

/** By an abstract socket, which the kernel closes with the process. */
function lock(part: number): Promise<() => void> {
  const attempt = () =>
    new Promise<(() => void) | null>((resolve, reject) => {
      const server = createServer()
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
      )
      server.listen(`\0claude-secure-test-part-${part}`, () => {
        server.unref()
        resolve(() => void server.close())
      })
    })
  return until(`part ${part} of the test network`, attempt, 600_000)
}
