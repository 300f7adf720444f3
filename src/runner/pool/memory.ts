import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

/** The same three figures, in cgroup v2 and v1. */
const versions = [
  { limit: 'memory.max', used: 'memory.current', stat: 'memory.stat', idle: 'inactive_file' },
  {
    limit: 'memory/memory.limit_in_bytes',
    used: 'memory/memory.usage_in_bytes',
    stat: 'memory/memory.stat',
    idle: 'total_inactive_file',
  },
]

/**
 * Returns the bytes that this container can still allocate, counting reclaimable file cache as free.
 * Without a limit: the free memory of the machine.
 */
export function freeMemory(folder = '/sys/fs/cgroup', machine: () => number = freemem): number {
  const read = (name: string) => {
    try {
      return readFileSync(`${folder}/${name}`, 'utf8')
    } catch {
      return ''
    }
  }
  for (const { limit, used, stat, idle } of versions) {
    const total = Number.parseInt(read(limit), 10)
    const now = Number.parseInt(read(used), 10)
    if (Number.isNaN(total) || Number.isNaN(now)) continue
    const dropped = new RegExp(`^${idle} (\\d+)$`, 'm').exec(read(stat))?.[1] ?? '0'
    // Without a limit, v2 has "max", and v1 a number larger than any memory.
    return Math.min(total - now + Number(dropped), machine())
  }
  return machine()
}
