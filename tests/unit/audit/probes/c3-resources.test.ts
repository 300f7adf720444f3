import t from 'tap'
import type { InspectedContainer } from '../../../../src/audit/inspections.ts'
import type { LiveFacts } from '../../../../src/audit/live-facts.ts'
import { liveBounds, requestedBounds } from '../../../../src/audit/probes/c3-resources.ts'
import { parseMountinfo } from '../../../../src/audit/proc-files.ts'
import { container } from '../container.ts'

function defective(change: (container: InspectedContainer) => void) {
  const made = container(change)
  return requestedBounds.filter(([, defect]) => defect(made) !== null).map(([claim]) => claim)
}

const cases: [claims: string[], change: (container: InspectedContainer) => void][] = [
  [[], () => {}],
  [
    ['memory is limited', 'swap is disabled'],
    c => {
      c.HostConfig.Memory = 0
    },
  ],
  [
    ['swap is disabled'],
    c => {
      c.HostConfig.MemorySwap *= 2
    },
  ],
  [
    ['swap is disabled'],
    c => {
      c.HostConfig.MemorySwap = -1
    },
  ],
  [
    ['processes are limited'],
    c => {
      c.HostConfig.PidsLimit = null
    },
  ],
  [
    ['processes are limited'],
    c => {
      c.HostConfig.PidsLimit = -1
    },
  ],
  [
    ['CPUs are limited'],
    c => {
      c.HostConfig.NanoCpus = 0
    },
  ],
  [['open files are limited'], c => void c.HostConfig.Ulimits?.shift()],
  [['core dumps are disabled'], c => void c.HostConfig.Ulimits?.pop()],
  [
    ['logs have a size limit'],
    c => {
      c.HostConfig.LogConfig.Config = { 'max-file': '3' }
    },
  ],
  [
    ['logs have a size limit'],
    c => {
      c.HostConfig.LogConfig.Config = { 'max-size': '1m' }
    },
  ],
  [
    ['logs have a size limit'],
    c => {
      c.HostConfig.LogConfig.Type = 'syslog'
    },
  ],
  [
    ['scratch folders have a size limit'],
    c => {
      c.HostConfig.Tmpfs = { '/tmp': 'size=1g', '/run': 'mode=1777' }
    },
  ],
  [
    ['orphaned processes are reaped'],
    c => {
      c.HostConfig.Init = null
    },
  ],
  [
    ['a service that exits is restarted'],
    c => {
      c.HostConfig.RestartPolicy.Name = 'no'
    },
  ],
  [
    ['every service has a health check'],
    c => {
      c.Config.Healthcheck = null
    },
  ],
  [
    ['every service has a health check'],
    c => {
      c.Config.Healthcheck = { Test: ['NONE'] }
    },
  ],
]

for (const [index, [claims, change]] of cases.entries()) {
  t.test(`${index}: ${claims.join(', ') || 'nothing is defective'}`, async t => {
    t.same(defective(change), claims)
  })
}

const facts: LiveFacts = {
  status: [],
  mounts: parseMountinfo(
    ['/tmp', '/run', '/dev/shm']
      .map(path => `2 1 0:2 / ${path} rw - tmpfs tmpfs rw,size=64k`)
      .join('\n'),
  ),
  limits: new Map([
    ['Max core file size', 0],
    ['Max open files', 8192],
  ]),
  cgroup: { memory: 256 << 20, memoryAndSwap: 256 << 20, pids: 128, cpus: 1 },
}

t.test('the kernel’s limits are compared with the requested ones', async t => {
  const lost = (change: Partial<LiveFacts>) =>
    liveBounds
      .filter(([, defect]) => defect({ ...facts, ...change }, container()) !== null)
      .map(([claim]) => claim)
  const limits = 'the kernel enforces the requested limits'
  t.same(lost({}), [])
  t.same(lost({ cgroup: {} }), [], 'what is not seen is not judged')
  for (const name of ['memory', 'memoryAndSwap', 'pids', 'cpus'] as const) {
    const cgroup = { ...facts.cgroup, [name]: Number.POSITIVE_INFINITY }
    t.same(lost({ cgroup }), [limits], name)
  }
  t.same(lost({ limits: new Map([['Max open files', 8192]]) }), ['the kernel writes no core dumps'])
  t.same(
    lost({
      limits: new Map([
        ['Max core file size', 0],
        ['Max open files', 1 << 20],
      ]),
    }),
    ['the kernel enforces the limit on open files'],
  )
  t.same(lost({ mounts: facts.mounts.slice(1) }), ['the kernel limits the size of scratch folders'])
})
