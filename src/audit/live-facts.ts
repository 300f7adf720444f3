import {
  type CgroupLimits,
  type MountPoint,
  parseCgroup,
  parseLimits,
  parseMountinfo,
  parseStatus,
} from './proc-files.ts'

/**
 * Facts that the kernel reports inside a service: the controls in force, regardless of those
 * requested.
 */
export type LiveFacts = {
  /** Of the first process, and of a process started beside it. */
  status: Map<string, string[]>[]
  mounts: MountPoint[]
  limits: Map<string, number>
  cgroup: CgroupLimits
}

const cgroupFiles = [
  'memory.max',
  'memory.swap.max',
  'pids.max',
  'cpu.max',
  'memory/memory.limit_in_bytes',
  'memory/memory.memsw.limit_in_bytes',
  'pids/pids.max',
  'cpu/cpu.cfs_quota_us',
  'cpu/cpu.cfs_period_us',
]
const statusFiles = ['/proc/1/status', '/proc/self/status']
const cgroupRoot = '/sys/fs/cgroup/'
const files = [
  ...statusFiles,
  '/proc/self/mountinfo',
  '/proc/self/limits',
  ...cgroupFiles.map(name => cgroupRoot + name),
]

const mark = '=====> '

/** A script for `sh -c`: prints each file below its name. */
export const liveFactsScript = files
  .map(path => `echo; echo '${mark}${path}'; cat ${path} 2>/dev/null`)
  .concat('true')
  .join('\n')

/**
 * Parses the script's output. Returns null for an invalid answer, such as one without the first
 * process.
 */
export function parseLiveFacts(output: string): LiveFacts | null {
  const texts = new Map(
    output
      .split(`\n${mark}`)
      .slice(1)
      .map((part): [string, string] => {
        const end = part.indexOf('\n')
        return [part.slice(0, end), part.slice(end + 1)]
      }),
  )
  const status = statusFiles.map(path => parseStatus(texts.get(path) ?? ''))
  if (status.some(({ size }) => size === 0)) return null
  return {
    status,
    mounts: parseMountinfo(texts.get('/proc/self/mountinfo') ?? ''),
    limits: parseLimits(texts.get('/proc/self/limits') ?? ''),
    cgroup: parseCgroup(
      new Map(cgroupFiles.map(name => [name, texts.get(cgroupRoot + name) ?? ''])),
    ),
  }
}
