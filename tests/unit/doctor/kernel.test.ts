import t from 'tap'
import { type InsideView, parseInsideView } from '../../../src/doctor/inside.ts'
import { judgeKernel, type NotInspected } from '../../../src/doctor/kernel.ts'

const info = {
  SecurityOptions: ['name=apparmor', 'name=seccomp,profile=builtin', 'name=cgroupns'],
  CgroupVersion: '2',
  KernelVersion: '6.12.0-amd64',
  DockerRootDir: '/var/lib/docker',
  SystemTime: '',
}

/** What a container on Debian 13 prints. */
const printed = `release=6.12.0-amd64
seccomp=2
profile=docker-default (enforce)
users=         0          0 4294967295
memory=67108864
pids=64
cpu=50000 100000
landlock=enforced
`
const inside = parseInsideView(printed)

function severities(change: Partial<typeof info>, view: InsideView | NotInspected = inside) {
  const checks = judgeKernel({ ...info, ...change }, view)
  return Object.fromEntries(checks.map(({ id, severity }) => [id, severity]))
}

t.test('parses the report of a container on its confinement', async t => {
  t.same(inside, {
    release: '6.12.0-amd64',
    seccomp: '2',
    profile: 'docker-default (enforce)',
    sameUsers: true,
    memory: true,
    pids: true,
    cpu: true,
    landlock: 'enforced',
  })
})

t.test('a limit that the kernel does not report does not count as enforced', async t => {
  const view = parseInsideView(
    'memory=9223372036854771712\npids=max\ncpu=max 100000\nlandlock=\nusers=0 100000 65536',
  )
  t.match(view, { memory: false, pids: false, cpu: false, landlock: 'missing', sameUsers: false })
  t.match(parseInsideView('cpu=50000'), { cpu: true, memory: false }, 'the quota of cgroup v1')
  t.match(parseInsideView('cpu=-1'), { cpu: false })
  t.match(parseInsideView('nonsense'), { seccomp: '', landlock: 'missing' })
})

t.test('a fully confined machine has no warnings', async t => {
  t.same(severities({}), {
    kernel: 'ok',
    seccomp: 'ok',
    profile: 'ok',
    users: 'note',
    limits: 'ok',
    landlock: 'ok',
  })
})

t.test('missing seccomp and unenforced limits are problems', async t => {
  t.match(severities({ SecurityOptions: [] }), { seccomp: 'refusal', profile: 'note' })
  t.match(severities({ SecurityOptions: ['name=seccomp,profile=unconfined'] }), {
    seccomp: 'refusal',
  })
  const [message] = judgeKernel(info, { ...inside, memory: false, cpu: false })
    .filter(({ id }) => id === 'limits')
    .map(({ severity, message }) => `${severity}: ${message}`)
  t.match(message, /refusal: .*memory, CPU \(cgroup v2\)/)
})

t.test('warns of a claim of the engine that a container does not confirm', async t => {
  t.match(severities({}, { ...inside, seccomp: '0' }), { seccomp: 'warning' })
  t.match(severities({}, { ...inside, profile: 'unconfined' }), { profile: 'warning' })
})

t.test('recognises rootless engines, user namespaces and SELinux', async t => {
  t.match(severities({ SecurityOptions: ['name=seccomp', 'name=rootless'] }), { users: 'ok' })
  t.match(severities({ SecurityOptions: ['name=seccomp', 'name=userns'] }), { users: 'ok' })
  const selinux = judgeKernel(
    { ...info, SecurityOptions: ['name=seccomp', 'name=selinux'] },
    'no image',
  )
  t.match(
    selinux.find(({ id }) => id === 'profile'),
    { severity: 'ok', message: 'SELinux' },
  )
})

t.test('says why limits are not checked', async t => {
  const reasons: [NotInspected, RegExp, RegExp][] = [
    ['no client', /: the docker client is missing$/, /^install it, then /],
    ['no image', /: the image claude was not found$/, /setup.?, then .*doctor.? again$/],
    ['failed', /: the container for it failed$/, /^repair what the next line says, /],
  ]
  for (const [why, message, hint] of reasons) {
    const checks = judgeKernel(info, why)
    t.match(
      checks.filter(({ id }) => id === 'limits' || id === 'landlock'),
      [{ id: 'limits', severity: 'note', message, hint }],
    )
    t.equal(checks.length, 5)
  }
})

t.test('notes that Landlock is missing or not enforced', async t => {
  for (const landlock of ['missing', 'ineffective'] as const) {
    t.match(severities({}, { ...inside, landlock }), { landlock: 'note' })
  }
})
