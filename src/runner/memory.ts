import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'

/**
 * Bytes that this container can still take, files that the kernel can drop counted as free. Outside of a
 * limited control group: what the machine has.
 */
export function freeMemory(folder = '/sys/fs/cgroup', machine: () => number = freemem): number {
  const read = (name: string) => {
    try {
      return readFileSync(`${folder}/${name}`, 'utf8')
    } catch {
      return ''
    }
  }
  const limit = Number.parseInt(read('memory.max'), 10)
  const current = Number.parseInt(read('memory.current'), 10)
  if (Number.isNaN(limit) || Number.isNaN(current)) return machine()
  const [, dropped = '0'] = /^inactive_file (\d+)$/m.exec(read('memory.stat')) ?? []
  return limit - current + Number(dropped)
}
