// exclusive: restarts an engine
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createStackApart } from '../../support/chaos/apart-stack.ts'
import { must } from '../../support/stack/process.ts'
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

/** Sends past the routing table to 224.0.0.1, and returns what a listener on the engine's machine heard. */
async function arrivals() {
  const listener = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 5599)); s.settimeout(6)
print("ready", flush=True)
try: print(s.recv(999).decode(), flush=True)
except TimeoutError: pass`
  const image = (
    await must('docker', ['inspect', '--format', '{{.Config.Image}}', stack.container('claude')])
  ).trim()
  const name = 'datagram-listener'
  await must(
    'docker',
    ['run', '--detach', '--name', name, '--network', 'host', '--entrypoint', 'python3'].concat([
      ...[image, '-c', listener],
    ]),
  )
  const heard = async () => (await must('docker', ['logs', name])).trim().split('\n')
  while (!(await heard()).includes('ready')) await new Promise(resolve => setTimeout(resolve, 100))
  const program = await readFile(join(stack.checkout, 'src/audit/inside/datagrams.py'), 'utf8')
  const attack = ['/usr/bin/python3', '-c', program, '5599', 'word', '224.0.0.1', '255.255.255.255']
  t.match((await stack.inside(attack)).stdout, /"sent": [1-9]/)
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

t.test('the filter survives a restart of the engine', async t => {
  await engine.signal('dockerd', 'KILL')
  await engine.restart()
  await stack.untilHealthy('proxy', 'gateway', 'claude')
  t.same(await filters(), ['1', '1'])
})

t.test('after a reboot the next start turns it on again', async t => {
  await engine.powerCut()
  await engine.boot()
  await stack.untilHealthy('proxy', 'gateway', 'claude')
  t.same(await filters(), ['0', '0'], 'the default of this machine')
  t.not((await arrivals()).length, 0, 'so that the attack works')
  const { code, stderr } = await start()
  t.equal(code, 0, stderr)
  t.match(stderr, 'closing the internal networks to the host')
  t.same(await filters(), ['1', '1'])
  t.same(await arrivals(), [])
})
