// exclusive: restarts an engine
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createStackApart } from '../../support/chaos/apart-stack.ts'
import { must, run, until } from '../../support/stack/process.ts'
import { startTestStack } from '../../support/stack/test-stack.ts'

// This process does not see the engine's bridges, as with Docker Desktop or a rootless engine.
const { stack, engine } = await createStackApart(t)
await startTestStack(stack)
const inner = ['claude-internal', 'services-internal'].map(name => `${stack.stack}_${name}`)

async function filters() {
  const ids = await must('docker', ['network', 'inspect', '--format', '{{.Id}}', ...inner])
  const files = ids
    .trim()
    .split('\n')
    .map(id => `/proc/sys/net/ipv4/conf/br-${id.slice(0, 12)}/rp_filter`)
  return (await engine.inMachine(`cat ${files.join(' ')}`)).trim().split('\n')
}

const start = () => stack.cli(['start', '--detach'])

const image = (
  await must('docker', ['inspect', '--format', '{{.Config.Image}}', stack.container('claude')])
).trim()
const inAgent = (command: string[]) => stack.inside(command)
/** The agent's program, in a container without the agent's entrypoint. */
const onItsNetwork = (command: string[]) =>
  run('docker', [
    ...['run', '--rm', '--pull', 'never', '--network', inner[0] ?? '', '--user', '10001'],
    ...['--cap-drop', 'ALL', '--entrypoint', command[0] ?? '', image, ...command.slice(1)],
  ])

/** Sends past the routing table to 224.0.0.1, and returns what a listener on the engine's machine heard. */
async function arrivals(from: (command: string[]) => Promise<{ stdout: string }> = inAgent) {
  const listener = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 5599)); s.settimeout(600)
print("ready", flush=True)
while (word := s.recv(999).decode()) != "end": print(word, flush=True)`
  const name = 'datagram-listener'
  await must(
    'docker',
    ['run', '--detach', '--name', name, '--network', 'host', '--entrypoint', 'python3'].concat([
      ...[image, '-c', listener],
    ]),
  )
  const heard = async () => (await must('docker', ['logs', name])).trim().split('\n')
  await until('the listener', async () => (await heard()).includes('ready'))
  const program = await readFile(join(stack.checkout, 'src/audit/inside/datagrams.py'), 'utf8')
  const attack = ['/usr/bin/python3', '-c', program, '5599', 'word', '224.0.0.1', '255.255.255.255']
  t.match((await from(attack)).stdout, /"sent": [1-9]/)
  // It has heard everything that came before this.
  await engine.inMachine(`bash -c 'printf end > /dev/udp/127.0.0.1/5599'`)
  await must('docker', ['wait', name])
  const lines = (await heard()).filter(line => line !== 'ready')
  await must('docker', ['rm', name])
  return lines
}

t.test('a container turns the filter on where this process cannot', async t => {
  t.same(await filters(), ['1', '1'])
  t.same(await arrivals(), [])
  const { code, stderr } = await start()
  t.equal(code, 0, stderr)
  t.notMatch(stderr, 'closing the internal networks', 'a running stack is not asked again')
})

/** The engine's own words on the agent's container. */
const agent = async () =>
  (await must('docker', ['ps', '--all', '--filter', `name=${stack.container('claude')}`])).trim()

async function untilHeldBack() {
  await until('the agent is held back', async () => (await agent()).includes('Restarting (78)'))
  const log = await run('docker', ['logs', '--tail', '1', stack.container('claude')])
  t.match(log.stderr, /not started, because the host may accept datagrams of the agent/)
  // Between two pauses the engine tries it again, and it is up for a moment.
  await until('status to name it', async () =>
    /held back +claude: .*; run \S+ start/.test((await stack.cli(['status'])).stdout),
  )
}

t.test(
  'the filter survives a restart of the engine, and the agent comes back by itself',
  async t => {
    await engine.signal('dockerd', 'KILL')
    await engine.restart()
    await stack.untilHealthy('proxy', 'gateway', 'claude')
    t.same(await filters(), ['1', '1'])
  },
)

t.test(
  'after a reboot the agent does not run until the next start turns the filter on',
  async t => {
    await engine.powerCut()
    await engine.boot()
    await stack.untilHealthy('proxy', 'gateway')
    t.same(await filters(), ['0', '0'], 'the default of this machine')
    t.not((await arrivals(onItsNetwork)).length, 0, 'so that the attack works')
    await untilHeldBack()
    const { code, stderr } = await start()
    t.equal(code, 0, stderr)
    t.match(stderr, 'closing the internal networks to the host')
    await stack.untilHealthy('proxy', 'gateway', 'claude')
    t.same(await filters(), ['1', '1'])
    t.same(await arrivals(), [])
  },
)

t.test('an agent of another boot is held back, and only its own boot starts it', async t => {
  const file = join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack.stack, 'filter')
  const written = await readFile(file, 'utf8')
  t.match(written, /^ask [0-9.]+\n$/, 'the boot of this machine says nothing about that engine')
  const restart = () => must('docker', ['restart', '--time', '0', stack.container('claude')])
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  await writeFile(file, `boot ${boot}\n`)
  await restart()
  await stack.untilHealthy('claude')
  await writeFile(file, `boot ${boot.replace(/^./, first => (first === '0' ? '1' : '0'))}\n`)
  await restart()
  await untilHeldBack()
  t.equal((await start()).code, 0)
  await stack.untilHealthy('claude')
})
