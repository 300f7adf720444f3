import t from 'tap'
import {
  mountAt,
  parseCgroup,
  parseLimits,
  parseMountinfo,
  parseSockets,
  parseStatus,
} from '../../../src/audit/proc-files.ts'

t.test('parses mounts with optional fields, escaped names and the last one on top', async t => {
  const mounts = parseMountinfo(
    [
      '615 364 0:104 / / ro,relatime master:7 - overlay overlay rw,lowerdir=/a',
      '687 615 0:173 / /tmp rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,size=65536k',
      '688 615 254:0 /home/me/my\\040app /workspace/a\\134b rw - ext4 /dev/vda rw',
      '689 688 254:0 /x /tmp ro shared:1 master:2 - ext4 /dev/vda rw',
      'nonsense',
      '',
    ].join('\n'),
  )
  t.equal(mounts.length, 4)
  t.same(mountAt(mounts, '/')?.options, ['ro', 'relatime'])
  t.match(mounts[2], { target: '/workspace/a\\b', root: '/home/me/my app' })
  t.match(mountAt(mounts, '/tmp'), { type: 'ext4', options: ['ro'] })
  t.equal(mountAt(mounts, '/nowhere'), undefined)
})

t.test('parses status and limits by name', async t => {
  const status = parseStatus('Name:\tcat\nUid:\t4242\t4242\t0\t4242\nCapEff:\t0000000000000000\n')
  t.same(status.get('Uid'), ['4242', '4242', '0', '4242'])
  t.same(status.get('CapEff'), ['0000000000000000'])
  const limits = parseLimits(
    [
      'Limit                     Soft Limit           Hard Limit           Units     ',
      'Max core file size        0                    0                    bytes     ',
      'Max open files            1024                 8192                 files     ',
      'Max file size             unlimited            unlimited            bytes     ',
    ].join('\n'),
  )
  t.same(
    [...limits],
    [
      ['Max core file size', 0],
      ['Max open files', 8192],
      ['Max file size', Number.POSITIVE_INFINITY],
    ],
  )
})

t.test('parses the limits of both cgroup versions', async t => {
  t.same(
    parseCgroup(
      new Map([
        ['memory.max', '268435456\n'],
        ['memory.swap.max', '0\n'],
        ['pids.max', '128\n'],
        ['cpu.max', '150000 100000\n'],
      ]),
    ),
    { memory: 268435456, memoryAndSwap: 268435456, pids: 128, cpus: 1.5 },
  )
  t.same(
    parseCgroup(
      new Map([
        ['memory/memory.limit_in_bytes', '268435456\n'],
        ['memory/memory.memsw.limit_in_bytes', '536870912\n'],
        ['pids/pids.max', 'max\n'],
        ['cpu/cpu.cfs_quota_us', '-1\n'],
        ['cpu/cpu.cfs_period_us', '100000\n'],
      ]),
    ),
    {
      memory: 268435456,
      memoryAndSwap: 536870912,
      pids: Number.POSITIVE_INFINITY,
      cpus: Number.POSITIVE_INFINITY,
    },
  )
  t.same(parseCgroup(new Map([['memory.max', '']])), {}, 'what is not seen is not there')
})

// Of a running proxy: Squid on two networks, Docker's resolver, Squid's helper, its DNS socket.
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0350A8C0:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000    13        0 155316 1 000000000e1eeafb 100 0 0 10 0
   1: 0B00007F:A8ED 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 156676 1 00000000655668c3 100 0 0 10 0
   2: 0440A8C0:0C38 00000000:0000 0A 00000000:00000000 00:00000000 00000000    13        0 155315 1 00000000c7380f04 100 0 0 10 0
   3: 0100007F:CDE6 0100007F:B123 01 00000000:00000000 00:00000000 00000000    13        0 156866 1 000000002b7595e8 20 4 30 10 -1
   4: 0440A8C0:0C38 0240A8C0:B123 01 00000000:00000000 00:00000000 00000000    13        0 156866 1 000000002b7595e8 20 4 30 10 -1
`
const udp = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
10305: 00000000:A026 00000000:0000 07 00000000:00000000 00:00000000 00000000    13        0 155316 2 00000000058dc8a4 0
`

const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:2253 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 155319 1 00000000841c2918 100 0 0 10 0
   1: 00000000000000000000000001000000:2254 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 10001        0 155319 1 00000000841c2918 100 0 0 10 0
`

t.test('parses addresses, ports and listeners from the kernel’s table', async t => {
  t.strictSame(parseSockets(tcp), [
    { address: '192.168.80.3', port: 3128, listening: true },
    { address: '192.168.64.4', port: 3128, listening: true },
    { address: '192.168.64.4', port: 3128, listening: false },
  ])
  t.strictSame(parseSockets(udp), [{ address: '0.0.0.0', port: 40998, listening: false }])
  t.strictSame(parseSockets(tcp6), [{ address: '0'.repeat(32), port: 8787, listening: true }])
  t.strictSame(parseSockets(''), [])
})
