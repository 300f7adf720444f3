import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'

/**
 * Returns a parent for temporary folders: tmpfs where this machine has one, for tests that sync hundreds
 * of files. On a busy disk each sync takes longer than the rest of the test.
 */
export function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK | constants.X_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
