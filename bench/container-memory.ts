import { readFile } from 'node:fs/promises'
import { must } from '../tests/support/stack/process.ts'

/**
 * Returns a container's memory in MiB as `docker stats` defines it: all of the control group, without
 * file pages that were not used recently. Reads it from the kernel, because `docker stats` shows 0 B
 * when containerd has lost track of a container.
 */
export async function containerMemory(container: string): Promise<number> {
  const pid = (await must('docker', ['inspect', '--format', '{{.State.Pid}}', container])).trim()
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8')
  const old = /^\d+:memory:(.+)$/m.exec(groups)?.[1]
  const files = old
    ? { root: `/sys/fs/cgroup/memory${old}`, used: 'memory.usage_in_bytes', prefix: 'total_' }
    : {
        root: `/sys/fs/cgroup${/^0::(.+)$/m.exec(groups)?.[1]}`,
        used: 'memory.current',
        prefix: '',
      }
  const used = Number(await readFile(`${files.root}/${files.used}`, 'utf8'))
  const details = await readFile(`${files.root}/memory.stat`, 'utf8')
  const inactive = new RegExp(`^${files.prefix}inactive_file (\\d+)$`, 'm').exec(details)?.[1]
  return (used - Number(inactive)) / 1024 ** 2
}
