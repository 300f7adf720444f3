import { readFileSync } from 'node:fs'
import { exec } from '../../process/exec.ts'

const tables = ['shm', 'sem', 'msg']
const timeoutMilliseconds = 2_000

/**
 * Removes the System V memory, semaphores and queues that runs left in the container: they belong to no process, so
 * that they outlive a run and count as memory. Call it only when no run is in progress. A failure leaves them
 * until the container stops.
 */
export async function removeSharedMemory(
  folder = '/proc/sysvipc',
  remove: () => Promise<unknown> = () =>
    exec('/usr/bin/ipcrm', ['--all'], { timeout: timeoutMilliseconds }),
): Promise<void> {
  try {
    if (tables.some(table => hasEntries(readFileSync(`${folder}/${table}`, 'utf8')))) await remove()
  } catch {}
}

/** A table has a line of headings. */
const hasEntries = (table: string) => table.trimEnd().includes('\n')
