/** A line of /proc/self/mountinfo, reduced to the fields used here. */
export type MountPoint = {
  target: string
  /** The mounted path within its file system, such as a folder of the host. */
  root: string
  /** Options of the mount point: ro, noexec, nosuid, nodev. */
  options: string[]
  type: string
  /** Options of the file system, such as the size of a tmpfs. */
  superOptions: string[]
}

/** Parses mountinfo. The number of fields before the `-` varies, see proc(5). */
export function parseMountinfo(text: string): MountPoint[] {
  return text.split('\n').flatMap(line => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root, target, options] = before.split(' ')
    const [type, , superOptions] = after.split(' ')
    if (!root || !target || !options || !type || !superOptions) return []
    return [
      {
        target: unescapeOctal(target),
        root: unescapeOctal(root),
        options: options.split(','),
        type,
        superOptions: superOptions.split(','),
      },
    ]
  })
}

/** Returns the visible mount at a path: the last of stacked mounts. */
export function mountAt(mounts: readonly MountPoint[], target: string): MountPoint | undefined {
  return mounts.findLast(mount => mount.target === target)
}

function unescapeOctal(text: string) {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  )
}

/** Parses /proc/<pid>/status: the words of each line by its name. */
export function parseStatus(text: string): Map<string, string[]> {
  return new Map(
    text.split('\n').flatMap(line => {
      const end = line.indexOf(':')
      return end < 0
        ? []
        : [
            [
              line.slice(0, end),
              line
                .slice(end + 1)
                .trim()
                .split(/\s+/),
            ],
          ]
    }),
  )
}

/** Parses /proc/<pid>/limits: the hard limits by name, Infinity for unlimited. */
export function parseLimits(text: string): Map<string, number> {
  return new Map(
    text.split('\n').flatMap(line => {
      const [, name, hard] = /^(Max .+?)\s{2,}\S+\s+(\d+|unlimited)/.exec(line) ?? []
      if (!name || !hard) return []
      return [[name, hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)]]
    }),
  )
}

export type CgroupLimits = {
  memory?: number
  /** Memory and swap together. */
  memoryAndSwap?: number
  pids?: number
  /** Number of CPUs, such as 1.5. */
  cpus?: number
}

/** Parses the files of a cgroup, of version 1 or 2, by their path below /sys/fs/cgroup. */
export function parseCgroup(files: ReadonlyMap<string, string>): CgroupLimits {
  const number = (path: string) => {
    const text = files.get(path)?.trim()
    if (!text) return undefined
    return text === 'max' ? Number.POSITIVE_INFINITY : Number(text)
  }
  const memory = number('memory.max') ?? number('memory/memory.limit_in_bytes')
  const swap = number('memory.swap.max')
  const memoryAndSwap =
    memory !== undefined && swap !== undefined
      ? memory + swap
      : number('memory/memory.memsw.limit_in_bytes')
  const pids = number('pids.max') ?? number('pids/pids.max')
  const cpus = processors(files)
  return {
    ...(memory !== undefined && { memory }),
    ...(memoryAndSwap !== undefined && { memoryAndSwap }),
    ...(pids !== undefined && { pids }),
    ...(cpus !== undefined && { cpus }),
  }
}

function processors(files: ReadonlyMap<string, string>) {
  const version2 = files.get('cpu.max')
  const [quota, period] = version2
    ? version2.trim().split(' ')
    : [files.get('cpu/cpu.cfs_quota_us')?.trim(), files.get('cpu/cpu.cfs_period_us')?.trim()]
  if (!quota || !period) return undefined
  return quota === 'max' || quota === '-1'
    ? Number.POSITIVE_INFINITY
    : Number(quota) / Number(period)
}

/** One local end of a socket in /proc/net/tcp or /proc/net/udp. */
export type LocalSocket = { address: string; port: number; listening: boolean }

/**
 * Parses /proc/net/tcp, tcp6 or udp. The kernel writes an address as numbers in its own byte order,
 * and those of IPv6 stay in that form; loopback, where Docker's resolver listens, is left out.
 */
export function parseSockets(text: string): LocalSocket[] {
  return text.split('\n').flatMap(line => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local)
    if (!match) return []
    const [, number = '', port = ''] = match
    const address = number.length === 8 ? dotted(number) : number
    if (address.startsWith('127.') || address === loopback6) return []
    return [{ address, port: Number.parseInt(port, 16), listening: state === '0A' }]
  })
}

const loopback6 = '00000000000000000000000001000000'

function dotted(number: string) {
  const bytes = number.match(/../g) ?? []
  return bytes
    .reverse()
    .map(byte => Number.parseInt(byte, 16))
    .join('.')
}
