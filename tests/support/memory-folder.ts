import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const memory = '/dev/shm'

/**
 * Returns the parent for temporary folders of tests that sync hundreds of files: a tmpfs where there is
 * one. On a busy disk these syncs take longer than the rest of the test.
 */
export function memoryFolder(): string {
  return isWritable() ? memory : tmpdir()
}

/**
 * Returns the parent for the fixtures of a whole suite, or null without a tmpfs that is large and runs
 * programs. Disk file systems search long for the number of a new file where many were just removed.
 */
export function fixtureMemory(): string | null {
  if (!isWritable()) return null
  const { bavail, bsize } = statfsSync(memory)
  const mount = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' '))
    .findLast(([, target]) => target === memory)
  if (mount?.[2] !== 'tmpfs' || mount[3]?.split(',').includes('noexec')) return null
  return bavail * bsize >= 1024 ** 3 ? memory : null
}

function isWritable() {
  try {
    accessSync(memory, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
