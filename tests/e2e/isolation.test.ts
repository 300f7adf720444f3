import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import t from 'tap'
import { must, until } from '../support/stack/process.ts'
import { createTestStack, owner } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { worker: true, files: { 'a.txt': 'mine\n' } })
const { inside } = stack
const shell = (script: string, service?: string) =>
  inside(['bash', '-c', script], service ? { service } : {})

t.test('every service runs as an ordinary user without capabilities or new privileges', async t => {
  for (const service of ['claude', 'worker', 'gateway', 'proxy']) {
    const { stdout } = await inside(['cat', '/proc/self/status', '/proc/1/status'], { service })
    const values = (name: string) =>
      [...stdout.matchAll(new RegExp(`^${name}:\\s*(\\S+)`, 'gm'))].map(([, value]) => value)
    for (const uid of values('Uid')) t.not(uid, '0', `${service} is not root`)
    t.equal(values('Uid').length, 2, `${service}: both processes were seen`)
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
      t.same(values(set), ['0000000000000000', '0000000000000000'], `${service} ${set}`)
    }
    t.same(values('NoNewPrivs'), ['1', '1'], `${service} gets no new privileges`)
    t.same(values('Seccomp'), ['2', '2'], `${service} is filtered by seccomp`)
  }
})

t.test('the agent runs as the owner of the workspace, and writes files as such', async t => {
  t.equal((await shell('id -u; id -g')).stdout, `${owner}\n${owner}\n`)
  t.equal((await shell('whoami')).stdout, 'claude\n', 'ssh and npm need a name for him')
  t.equal((await shell('cat /workspace/a.txt; echo new > /workspace/b.txt')).stdout, 'mine\n')
  const { stat } = await import('node:fs/promises')
  t.match(await stat(`${stack.workspace}/b.txt`), { uid: owner, gid: owner })
})

t.test(
  'the system is read-only; writable places are noexec, except home and workspace',
  async t => {
    for (const path of [
      '/x',
      '/usr/bin/x',
      '/etc/x',
      '/etc/claude-code/managed-settings.json',
      '/var/x',
    ]) {
      const { code, stderr } = await shell(`echo x > ${path}`)
      t.not(code, 0, path)
      t.match(stderr, /Read-only file system|Permission denied/, path)
    }
    for (const folder of ['/tmp', '/run', '/dev/shm']) {
      const { code, stdout } = await shell(
        `printf '#!/bin/sh\\necho ran\\n' > ${folder}/x && chmod +x ${folder}/x && ${folder}/x`,
      )
      t.not(code, 0, folder)
      t.notMatch(stdout, /ran/, folder)
    }
    t.equal(
      (await shell("printf '#!/bin/sh\\necho ran\\n' > ~/x && chmod +x ~/x && ~/x")).stdout,
      'ran\n',
    )
  },
)

t.test('no file carries setuid or setgid', async t => {
  for (const service of ['claude', 'worker', 'gateway', 'proxy']) {
    const { stdout } = await shell('find / -xdev -type f -perm /6000 2>/dev/null', service)
    t.equal(stdout, '', service)
  }
})

t.test('no device, socket or namespace of the host is there', async t => {
  t.equal((await shell('ls /var/run/docker.sock /run/docker.sock 2>/dev/null')).stdout, '')
  t.equal((await shell('find /dev -type b')).stdout, '')
  const { stdout } = await shell('ps -e -o pid= | wc -l')
  t.ok(Number(stdout) < 20, 'processes of the host are not seen')
})

t.test('calls that reach the kernel or other processes are refused', async t => {
  const attempts = [
    'unshare --user true',
    'mount -t tmpfs none /tmp',
    'dmesg',
    'nsenter -t 1 -n true',
  ]
  for (const attempt of attempts) t.not((await shell(attempt)).code, 0, attempt)
})

t.test("the only route is to the stack's subnet, and IPv6 is off", async t => {
  const { stdout: routes } = await shell('tail -n +2 /proc/net/route')
  const lines = routes.trim().split('\n')
  t.equal(lines.length, 1, 'one route')
  t.not(lines[0]?.split('\t')[1], '00000000', 'and it is no default route')
  t.equal((await shell('grep -v " lo$" /proc/net/if_inet6 2>/dev/null | wc -l')).stdout.trim(), '0')
})

t.test('the host has no address on the internal bridges', async t => {
  for (const name of ['claude-internal', 'services-internal']) {
    const id = await must('docker', [
      'network',
      'inspect',
      '--format',
      '{{.Id}}',
      `${stack.stack}_${name}`,
    ])
    const addresses = (networkInterfaces()[`br-${id.slice(0, 12)}`] ?? []).filter(
      ({ address }) => !address.startsWith('fe80:'),
    )
    t.same(addresses, [], name)
  }
})

t.test(
  'a service of the host that listens everywhere is reached from nowhere in the stack',
  async t => {
    let connections = 0
    const server = createServer(socket => {
      connections += 1
      socket.end('the host answered\n')
    })
    await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve))
    t.teardown(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const hosts = Object.values(networkInterfaces())
      .flatMap(list => list ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address)
    const { stdout: own } = await shell("hostname -i | cut -d' ' -f1")
    const gateway = own.trim().replace(/\.\d+$/, '.1')
    t.ok(hosts.length > 0, 'the host has addresses to try')
    for (const host of [...hosts, gateway, '169.254.169.254']) {
      for (const service of ['claude', 'gateway']) {
        const script = `exec 3<>/dev/tcp/${host}/${port} && cat <&3`
        const { code, stdout } = await inside(['timeout', '3', 'bash', '-c', script], { service })
        t.not(code, 0, `${service} to ${host}`)
        t.equal(stdout, '', `${service} to ${host}`)
      }
    }
    t.equal(connections, 0)
  },
)

t.test('a service on two networks does not route between them', async t => {
  for (const service of ['claude', 'worker', 'gateway', 'proxy']) {
    const { stdout } = await inside(['cat', '/proc/sys/net/ipv4/ip_forward'], { service })
    t.equal(stdout, '0\n', service)
  }
})

t.test("the agent's home is a volume of the stack; no home of the host is mounted", async t => {
  const mounts: { Type: string; Name?: string; Destination: string; RW: boolean }[] = JSON.parse(
    await must('docker', ['inspect', '--format', '{{json .Mounts}}', stack.container('claude')]),
  )
  t.match(
    mounts.find(({ Destination }) => Destination === '/home/claude'),
    {
      Type: 'volume',
      Name: `${stack.stack}_home-${owner}`,
    },
  )
  t.same(
    mounts.filter(({ Type, RW }) => Type === 'bind' && RW).map(({ Destination }) => Destination),
    ['/workspace'],
    'the workspace is the only place of the host that can be written',
  )
})

t.test('no port is published', async t => {
  for (const service of ['claude', 'worker', 'gateway', 'proxy']) {
    t.equal(await must('docker', ['port', stack.container(service)]), '', service)
  }
})

t.test('a fork bomb, a full disk and a flood of memory stay in their container', async t => {
  // Without the pauses that a shell makes after a refused fork.
  const bomb = `for (1 .. 2000) {
    my $child = fork; defined $child or $refused++;
    exec 'sleep', '20' if defined $child && !$child } print "$refused refused"`
  t.match((await inside(['perl', '-e', bomb])).stdout, /^\d+ refused/)
  const pids = await must('docker', ['exec', stack.container('proxy'), 'cat', '/proc/loadavg'])
  t.ok(pids, 'the proxy still answers')
  // Not even a new command fits in before the first of it have ended.
  const kill = () => inside(['pkill', '-f', 'sleep 20'])
  await until('the bomb to be gone', async () => (await kill()).code === 1)
  const disk = await shell('head -c 2G /dev/zero > /tmp/full; rm /tmp/full')
  t.match(disk.stderr, /No space left/)
  const memory = await shell('head -c 6G /dev/zero | tail > /dev/null; echo survived $?')
  t.notMatch(memory.stdout, /survived 0/)
  t.equal((await shell('ulimit -c')).stdout, '0\n', 'no core dump')
  t.equal((await inside(['true'])).code, 0, 'the container goes on')
})
