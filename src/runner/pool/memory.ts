import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

/** The same three figures, in the two forms that kernels have them. */
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
 * Bytes that this container can still take, files that the kernel can drop counted as free. Without a
 * limit: what the machine has.
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
    const most = Number.parseInt(read(limit), 10)
    const now = Number.parseInt(read(used), 10)
    if (Number.isNaN(most) || Number.isNaN(now)) continue
    const dropped = new RegExp(`^${idle} (\\d+)$`, 'm').exec(read(stat))?.[1] ?? '0'
    // The first form says "max" for no limit, the second a number beyond all memory.
    return Math.min(most - now + Number(dropped), machine())
  }
  return machine()
}
