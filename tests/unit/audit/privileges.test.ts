import t from 'tap'
import type { InspectedContainer } from '../../../src/audit/inspections.ts'
import { livePrivileges, requestedPrivileges } from '../../../src/audit/privileges.ts'
import { parseMountinfo, parseStatus } from '../../../src/audit/proc-files.ts'
import { container } from './container.ts'

function defective(change: (container: InspectedContainer) => void) {
  const made = container(change)
  return requestedPrivileges.filter(([, defect]) => defect(made) !== null).map(([claim]) => claim)
}

t.test('the shipped stack lacks no restriction', async t => {
  t.same(
    defective(() => {}),
    [],
  )
})

const cases: [claim: string, change: (container: InspectedContainer) => void][] = [
  [
    'every service drops all capabilities',
    c => {
      c.HostConfig.CapDrop = null
    },
  ],
  [
    'every service drops all capabilities',
    c => {
      c.HostConfig.CapDrop = ['NET_RAW']
    },
  ],
  [
    'no service gets a capability',
    c => {
      c.HostConfig.CapAdd = ['SYS_ADMIN']
    },
  ],
  [
    'no service is privileged',
    c => {
      c.HostConfig.Privileged = true
    },
  ],
  [
    'no service can gain privileges',
    c => {
      c.HostConfig.SecurityOpt = []
    },
  ],
  [
    'no service can gain privileges',
    c => {
      c.HostConfig.SecurityOpt = ['no-new-privileges:false']
    },
  ],
  ['no service is unconfined', c => void c.HostConfig.SecurityOpt?.push('seccomp=unconfined')],
  ['no service is unconfined', c => void c.HostConfig.SecurityOpt?.push('seccomp={"x":1}')],
  ['no service is unconfined', c => void c.HostConfig.SecurityOpt?.push('apparmor:unconfined')],
  ['no service is unconfined', c => void c.HostConfig.SecurityOpt?.push('label=disable')],
  [
    'no service is unconfined',
    c => {
      c.AppArmorProfile = 'unconfined'
    },
  ],
  [
    'no service is unconfined',
    c => {
      c.HostConfig.MaskedPaths = []
    },
  ],
  [
    'the root filesystem of every service is read-only',
    c => {
      c.HostConfig.ReadonlyRootfs = false
    },
  ],
  [
    'no service has a host device',
    c => {
      c.HostConfig.Devices = [{}]
    },
  ],
  [
    'no service has a host device',
    c => {
      c.HostConfig.DeviceRequests = [{}]
    },
  ],
  [
    'no service shares a namespace',
    c => {
      c.HostConfig.NetworkMode = 'host'
    },
  ],
  [
    'no service shares a namespace',
    c => {
      c.HostConfig.PidMode = 'container:abc'
    },
  ],
  [
    'no service shares a namespace',
    c => {
      c.HostConfig.IpcMode = 'shareable'
    },
  ],
  [
    'no service shares a namespace',
    c => {
      c.HostConfig.UTSMode = 'host'
    },
  ],
  [
    'no service shares a namespace',
    c => {
      c.HostConfig.UsernsMode = 'host'
    },
  ],
  [
    'no service is configured to run as root',
    c => {
      c.Config.User = ''
    },
  ],
  [
    'no service is configured to run as root',
    c => {
      c.Config.User = '00'
    },
  ],
  [
    'no service is configured to run as root',
    c => {
      c.Config.User = '4242:0'
    },
  ],
  [
    'no mount propagates later mounts',
    c => {
      c.Mounts = [
        { Type: 'bind', Source: '/a', Destination: '/b', RW: false, Propagation: 'rshared' },
      ]
    },
  ],
  [
    'scratch folders are requested with noexec, nosuid and nodev',
    c => {
      c.HostConfig.Tmpfs = { '/tmp': 'noexec,nosuid,nodev' }
    },
  ],
  ...['noexec', 'nosuid', 'nodev'].map(
    (option): [string, (container: InspectedContainer) => void] => [
      'scratch folders are requested with noexec, nosuid and nodev',
      c => {
        c.HostConfig.Tmpfs = {
          ...c.HostConfig.Tmpfs,
          '/run': 'noexec,nosuid,nodev'.replace(option, 'x'),
        }
      },
    ],
  ),
]

for (const [index, [claim, change]] of cases.entries()) {
  t.test(`${index}: ${claim}`, async t => {
    t.same(defective(change), [claim])
  })
}

const lines = {
  Uid: '4242 4242 4242 4242',
  Gid: '4242 4242 4242 4242',
  CapInh: '0000000000000000',
  CapPrm: '0000000000000000',
  CapEff: '0000000000000000',
  CapBnd: '0000000000000000',
  CapAmb: '0000000000000000',
  NoNewPrivs: '1',
  Seccomp: '2',
}

const mountinfo = (options: string, root = 'ro') =>
  [
    `1 0 0:1 / / ${root} - overlay overlay rw`,
    `2 1 0:2 / /tmp ${options} - tmpfs tmpfs rw,size=1k`,
    '3 1 0:3 / /run rw,noexec,nosuid,nodev - tmpfs tmpfs rw,size=1k',
    '4 1 0:4 / /dev/shm rw,noexec,nosuid,nodev - tmpfs tmpfs rw,size=1k',
  ].join('\n')

function lackingLive(
  changed: Partial<typeof lines>,
  more: { mounts?: string; runtime?: string } = {},
) {
  const status = (all: object) =>
    parseStatus(
      Object.entries(all)
        .map(([name, value]) => `${name}:\t${value}`)
        .join('\n'),
    )
  const facts = {
    status: [status(lines), status({ ...lines, ...changed })],
    mounts: parseMountinfo(more.mounts ?? mountinfo('rw,noexec,nosuid,nodev')),
    limits: new Map(),
    cgroup: {},
  }
  const made = container(c => {
    c.HostConfig.Runtime = more.runtime ?? 'runc'
  })
  return livePrivileges.filter(([, defect]) => defect(facts, made) !== null).map(([claim]) => claim)
}

t.test('the kernel’s status is judged for every process', async t => {
  t.same(lackingLive({}), [])
  t.same(lackingLive({ CapBnd: '00000000a80425fb' }), ['no process has a capability'])
  t.same(lackingLive({ NoNewPrivs: '0' }), ['no process can gain privileges'])
  t.same(lackingLive({ Seccomp: '0' }), ['every process is filtered by seccomp'])
  t.same(lackingLive({ Seccomp: '0' }, { runtime: 'runsc' }), [], 'gVisor filters outside')
  t.same(lackingLive({ Uid: '4242 0 4242 4242' }), ['no process is root'])
  t.same(lackingLive({}, { mounts: mountinfo('rw,nosuid,nodev') }), [
    'scratch folders are mounted with noexec, nosuid and nodev',
  ])
  t.same(lackingLive({}, { mounts: mountinfo('rw,noexec,nosuid,nodev', 'rw') }), [
    'the root filesystem is mounted read-only',
  ])
})
