import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'

/**
 * Returns the parent for temporary folders of tests that sync hundreds of files: a tmpfs where there is
 * one. On a busy disk these syncs take longer than the rest of the test.
 */
export function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK | constants.X_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
