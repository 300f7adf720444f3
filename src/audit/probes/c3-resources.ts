import { standards } from '../audit-report.ts'
import type { InspectedContainer } from '../inspections.ts'
import type { LiveFacts } from '../live-facts.ts'
import {
  type Check,
  type Defect,
  everyService,
  everyServiceLive,
  held,
  type Probe,
} from '../probe.ts'
import { mountAt } from '../proc-files.ts'
import type { Scene } from '../scene.ts'

/**
 * Inspects the limits on processes, memory, files, logs and scratch space. Exhausts none: the stack
 * is live.
 */
export const resources: Probe = {
  id: 'C3',
  title: 'exhaustion of memory, processes, files or logs',
  attack: 'use up memory, processes, files and disk space of the host and the other services',
  standards: [
    standards.memory,
    standards.processors,
    standards.ulimits,
    standards.processLimit,
    standards.limits,
    standards.runtimeConfiguration,
  ],
  async run(scene) {
    const asked = requestedBounds.map(([claim, defect]) => everyService(scene, claim, defect))
    const live = await Promise.all(
      liveBounds.map(([claim, defect]) => everyServiceLive(scene, claim, defect)),
    )
    return [...asked, ...live, await seen(scene)]
  },
}

/** Reports which limits only the engine confirms. */
async function seen(scene: Scene): Promise<Check> {
  const claim = 'limits that a cgroup does not show are listed'
  const facts = await scene.liveFacts()
  const lines = [...facts].flatMap(([service, live]) => {
    const names = live ? seenLimits(live) : []
    return names.length === 4 ? [] : [`${service}: ${names.join(', ') || 'none'} of 4`]
  })
  return held(
    claim,
    lines.length === 0
      ? 'every cgroup shows the limits on memory, swap, processes and CPUs'
      : `the engine alone reports the others; visible: ${lines.join('; ')}`,
  )
}

type Judge = (container: InspectedContainer) => Defect
type LiveJudge = (facts: LiveFacts, container: InspectedContainer) => Defect

/** Limits requested from the engine, by claim: they confine a resource bomb to its container. */
export const requestedBounds: readonly [claim: string, defect: Judge][] = [
  ['memory is limited', ({ HostConfig: { Memory } }) => (Memory > 0 ? null : 'no memory limit')],
  [
    'swap is disabled',
    ({ HostConfig: { Memory, MemorySwap } }) =>
      MemorySwap > 0 && MemorySwap <= Memory ? null : 'can use swap',
  ],
  [
    'processes are limited',
    ({ HostConfig: { PidsLimit } }) => ((PidsLimit ?? 0) > 0 ? null : 'no process limit'),
  ],
  [
    'CPUs are limited',
    ({ HostConfig: { NanoCpus, CpuQuota } }) =>
      NanoCpus > 0 || (CpuQuota ?? 0) > 0 ? null : 'no CPU limit',
  ],
  [
    'open files are limited',
    container => (ulimit(container, 'nofile') === undefined ? 'no limit on open files' : null),
  ],
  [
    'core dumps are disabled',
    container => (ulimit(container, 'core') === 0 ? null : 'core dumps are enabled'),
  ],
  ['logs have a size limit', unboundedLog],
  ['scratch folders have a size limit', unboundedScratch],
  ['orphaned processes are reaped', ({ HostConfig: { Init } }) => (Init ? null : 'no init')],
  [
    'a service that exits is restarted',
    ({ HostConfig: { RestartPolicy } }) =>
      ['unless-stopped', 'always', 'on-failure'].includes(RestartPolicy.Name)
        ? null
        : `restart: ${RestartPolicy.Name || 'no'}`,
  ],
  ['every service has a health check', unwatched],
]

/** The same limits as the kernel inside reports them. */
export const liveBounds: readonly [claim: string, defect: LiveJudge][] = [
  ['the kernel enforces the requested limits', lostLimits],
  [
    'the kernel enforces the limit on open files',
    ({ limits }, container) => {
      const asked = ulimit(container, 'nofile')
      const has = limits.get('Max open files')
      return asked === undefined || has === undefined || has > asked
        ? `${has ?? '?'} instead of ${asked ?? 'a limit'}`
        : null
    },
  ],
  [
    'the kernel writes no core dumps',
    ({ limits }) => {
      const has = limits.get('Max core file size')
      return has === 0 ? null : `core files of ${has ?? '?'} bytes`
    },
  ],
  [
    'the kernel limits the size of scratch folders',
    ({ mounts }) =>
      ['/tmp', '/run', '/dev/shm']
        .filter(path => {
          const mount = mountAt(mounts, path)
          return mount?.type !== 'tmpfs' || !mount.superOptions.some(isSize)
        })
        .map(path => `${path} has no size`)
        .join(', ') || null,
  ],
]

/** Returns the limits readable from a service's cgroup: a kernel or engine may hide some. */
export function seenLimits(facts: LiveFacts): string[] {
  return Object.keys(facts.cgroup)
}

function ulimit({ HostConfig: { Ulimits } }: InspectedContainer, name: string) {
  return Ulimits?.find(limit => limit.Name === name)?.Hard
}

function unboundedLog({ HostConfig: { LogConfig } }: InspectedContainer) {
  const { Type, Config } = LogConfig
  if (Type !== 'json-file' && Type !== 'local') return `log driver ${Type}`
  const missing = ['max-size', 'max-file'].filter(option => !Config?.[option])
  return missing.length > 0 ? `logs without ${missing.join(', ')}` : null
}

function unboundedScratch({ HostConfig: { Tmpfs } }: InspectedContainer) {
  const loose = ['/tmp', '/run'].filter(path => !Tmpfs?.[path]?.split(',').some(isSize))
  return loose.length > 0 ? `${loose.join(', ')} without a size` : null
}

function unwatched({ Config: { Healthcheck } }: InspectedContainer) {
  const [kind = 'NONE'] = Healthcheck?.Test ?? []
  return kind === 'NONE' ? 'no health check' : null
}

/** Returns limits that are looser than requested; ignores those that cannot be read. */
function lostLimits({ cgroup }: LiveFacts, { HostConfig }: InspectedContainer) {
  const { Memory, MemorySwap, PidsLimit, NanoCpus } = HostConfig
  const asked: Record<keyof typeof cgroup, number> = {
    memory: Memory,
    memoryAndSwap: MemorySwap,
    pids: PidsLimit ?? 0,
    cpus: NanoCpus / 1e9,
  }
  const lost = (['memory', 'memoryAndSwap', 'pids', 'cpus'] as const).filter(name => {
    const has = cgroup[name]
    return has !== undefined && (asked[name] <= 0 || has > asked[name] * 1.01)
  })
  return lost.map(name => `${name} ${cgroup[name]} instead of ${asked[name]}`).join(', ') || null
}

function isSize(option: string) {
  return /^size=[1-9]/.test(option)
}
