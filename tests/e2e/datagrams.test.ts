import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { filterOnEngine } from '../../src/stack/reverse-path-container.ts'
import { auditStack, probesOf } from '../support/mutation/mutable-stack.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { worker: true })
const image = async (service: string) =>
  (
    await must('docker', ['inspect', '--format', '{{.Config.Image}}', stack.container(service)])
  ).trim()
const inner = ['claude-internal', 'services-internal'].map(name => `${stack.stack}_${name}`)
const bridges = await Promise.all(
  inner.map(
    async name =>
      `br-${(await must('docker', ['network', 'inspect', '--format', '{{.Id}}', name])).slice(0, 12)}`,
  ),
)
const kernelFile = (bridge: string, name: string) => `/proc/sys/net/ipv4/conf/${bridge}/${name}`
const filters = () =>
  Promise.all(
    bridges.map(async name => (await readFile(kernelFile(name, 'rp_filter'), 'utf8')).trim()),
  )

async function turnOff() {
  for (const bridge of bridges) {
    await writeFile(kernelFile(bridge, 'rp_filter'), '0')
    await writeFile(kernelFile(bridge, 'arp_ignore'), '0')
  }
}

/** Listens on every address of the host for UDP, TCP and ICMP, and prints what has the word. */
const listener = `
import errno, select, socket, sys
port, word = int(sys.argv[1]), sys.argv[2].encode()
v4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
v4.bind(("0.0.0.0", port))
every = [v4, socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)]
for address in sys.argv[3:]:
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        own.bind((address, port + 1))
    except OSError as error:
        # A network of another stack was removed meanwhile.
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        continue
    every.append(own)
if socket.has_ipv6:
    v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    v6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    v6.bind(("::", port))
    every += [v6, socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)]
tcp = socket.create_server(("0.0.0.0", port))
# Where there is room: what arrives while this program does not run is lost beyond it.
for s in every:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
print("listening", flush=True)
def take(s):
    data = s.recvfrom(4096, socket.MSG_DONTWAIT)[0]
    if word in data:
        print(data[data.index(word) + len(word):].decode("latin1").strip(), flush=True)
def drain(sockets):
    for s in sockets:
        try:
            while True:
                take(s)
        except BlockingIOError:
            pass
while True:
    ready = select.select(every + [tcp], [], [])[0]
    if tcp in ready:
        print("TCP", tcp.accept()[1][0], flush=True)
    # The mark comes to v4, and after everything else: of the others nothing may be left behind it.
    try:
        data = v4.recvfrom(4096, socket.MSG_DONTWAIT | socket.MSG_PEEK)[0]
    except BlockingIOError:
        data = b""
    drain(every[1:])
    if data:
        take(v4)
`

const word = randomBytes(12).toString('hex')
const port = 20_000 + (randomBytes(2).readUInt16BE() % 5_000) * 2
const addresses = Object.entries(networkInterfaces())
  // Of the pairs that lead into other containers there are many, and each is like the next.
  .flatMap(([name, list]) => (name.startsWith('veth') ? [] : (list ?? [])))
  .filter(({ internal }) => !internal)
const v4 = addresses.filter(({ family }) => family === 'IPv4').map(({ address }) => address)
const targets = [
  ...new Set(addresses.map(({ address }) => address)),
  ...['224.0.0.1', '255.255.255.255', 'ff02::1'],
]
const claudeImage = await image('claude')
const name = `datagrams-${word}`
const heard: string[] = []
let partial = ''
const host: ChildProcess = spawn(
  'docker',
  ['run', '--rm', '--name', name, '--network', 'host', '--user', '0']
    .concat(['--cap-drop', 'ALL', '--cap-add', 'NET_RAW', '--pull', 'never'])
    .concat(['--entrypoint', 'python3', claudeImage, '-c', listener, `${port}`, word, ...v4]),
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
host.stdout?.on('data', (chunk: Buffer) => {
  const pieces = `${partial}${chunk}`.split('\n')
  partial = pieces.pop() ?? ''
  heard.push(...pieces.filter(Boolean))
})
t.teardown(() => run('docker', ['rm', '--force', name]))
await until('the listener', async () => heard.includes('listening'))

const program = await readFile(join(stack.checkout, 'src/audit/inside/datagrams.py'), 'utf8')
const attack = (to: number) => ['/usr/bin/python3', '-c', program, `${to}`, word, ...targets]

/** Attacks from one place, and returns what the host heard of it up to a datagram of its own. */
async function arrivals(from: (command: string[]) => Promise<{ stdout: string; stderr: string }>) {
  heard.length = 0
  for (const to of [port, port + 1]) {
    const { stdout, stderr } = await from(attack(to))
    t.match(stdout, /"sent": [1-9]/, stderr)
  }
  const mark = `mark-${randomBytes(4).toString('hex')}`
  const send = `echo -n "${word} ${mark}" > /dev/udp/127.0.0.1/${port}`
  await until('the mark', async () => {
    await must('bash', ['-c', send])
    return heard.includes(mark)
  })
  return heard.filter(text => text !== 'listening' && !text.startsWith('mark-'))
}

const inService = (service: string) => (command: string[]) => stack.inside(command, { service })
const onNetwork = (network: string) => (command: string[]) =>
  run('docker', [
    ...['run', '--rm', '--pull', 'never', '--network', network, '--user', '10001'],
    ...['--cap-drop', 'ALL', '--entrypoint', command[0] ?? '', claudeImage, ...command.slice(1)],
  ])

const openClaims = async () =>
  (await auditStack(stack, probesOf(['N19'])))
    .flatMap(({ checks }) => checks)
    .filter(({ verdict }) => verdict !== 'held')

t.test('no datagram reaches the host, whatever the socket is bound to', async t => {
  t.same(await arrivals(inService('claude')), [], 'from the agent')
  t.same(await arrivals(inService('worker')), [], 'from the worker')
  t.same(await arrivals(onNetwork(inner[1] ?? '')), [], 'from beside the gateway')
  t.same(await openClaims(), [], 'the audit sees it')
})

t.test('gateway and proxy answer over the same bridges', async t => {
  const curl = async (...args: string[]) =>
    (await stack.inside(['curl', '-q', '-s', '-o', '/dev/null', '-m', '120', ...args])).stdout
  t.equal(await curl('--noproxy', '*', '-w', '%{http_code}', 'http://gateway:8787/'), '403')
  t.equal(await curl('-w', '%{http_connect}', 'https://evil.test/'), '407')
})

t.test('without the filter every way arrives, and the audit says so', async t => {
  await turnOff()
  const wanted = [
    ...['SO_BINDTODEVICE', 'SO_BINDTOIFINDEX', 'IP_UNICAST_IF', 'IP_PKTINFO'].map(
      way => `${way} ${v4[0]}`,
    ),
    ...['224.0.0.1', '255.255.255.255'].flatMap(address => [
      `SO_BINDTODEVICE ${address}`,
      `IP_PKTINFO ${address}`,
    ]),
    ...['IP_MULTICAST_IF 224.0.0.1', 'ICMP SO_BINDTODEVICE'],
  ]
  const found = new Set<string>()
  // A host that is busy drops datagrams that nobody has read.
  await until('every way', async () => {
    for (const line of await arrivals(inService('claude'))) found.add(line)
    return wanted.every(way => [...found].some(line => line.startsWith(way)))
  }).catch(() => {})
  for (const way of wanted) {
    t.ok(
      [...found].some(line => line.startsWith(way)),
      way,
    )
  }
  t.match(
    (await openClaims()).map(({ verdict }) => verdict),
    ['open', 'open'],
  )
  const doctor = JSON.parse((await stack.cli(['doctor', '--json'])).stdout)
  t.match(
    doctor.findings.find(({ id }: { id: string }) => id === 'reverse-path'),
    { severity: 'warning', message: new RegExp(`accepts datagrams from .*${inner[0]}`) },
  )
})

t.test('the next start of the running stack closes it again', async t => {
  await turnOff()
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
  t.same(await filters(), ['1', '1'])
  t.same(await arrivals(inService('claude')), [])
})

t.test('a user who may not write to the kernel has it closed by a container', async t => {
  await turnOff()
  const found = await filterOnEngine(
    {
      docker: { kind: 'docker', file: 'docker', env: { PATH: process.env.PATH ?? '' } },
      log: () => {},
    },
    await image('proxy'),
    [...bridges, 'br-000000000000', '../all'],
  )
  t.same(
    [...found],
    [...bridges.map(bridge => [bridge, true]), ['br-000000000000', null], ['../all', null]],
  )
  t.same(await filters(), ['1', '1'])
  t.same(await arrivals(inService('claude')), [])
  // A file system that is read-only, as for a user who is not root: the whole start does it that way.
  await turnOff()
  const script = `mount --bind -o ro /proc/sys /proc/sys && exec ${stack.checkout}/claude.ts start --detach`
  const { code, stderr } = await run('unshare', ['--mount', 'sh', '-c', script], {
    cwd: stack.workspace,
    env: stack.env,
  })
  t.equal(code, 0, stderr)
  t.match(stderr, 'closing the internal networks to the host')
  t.same(await filters(), ['1', '1'])
})
