import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { repository, temporaryFolder } from '../support/stack/checkout.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const custom = await temporaryFolder(t, 'custom')
const folder = join(custom, 'services')
const file = join(folder, 'echo.yaml')
for (const name of ['echo.yaml', 'echo']) {
  await cp(join(repository, 'tests/support/services', name), join(folder, name), {
    recursive: true,
  })
}
const shipped = await readFile(file, 'utf8')
// Nothing here needs the internet, so this stack has none.
const stack = await createTestStack(t, {
  start: false,
  settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '', CUSTOM_DIR: custom },
})
const start = () => stack.cli(['start', '--detach'])
const greeting = async () =>
  (await stack.inside(['bash', '-c', 'exec 3<>/dev/tcp/echo/7007; cat <&3'])).stdout

t.test('a service runs after its approval, and a changed one is approved again', async t => {
  const unasked = await start()
  t.equal(unasked.code, 1)
  t.match(
    unasked.stderr,
    /^error: you have not approved these services in this folder: echo\nhint: /m,
  )
  const accepted = await stack.cli(['config', '--accept'])
  t.match(accepted.stderr, /echo: built from services\/echo, user 10001:10001, ports 7007, data at/)
  const started = await start()
  t.equal(started.code, 0, started.stderr)
  await writeFile(file, shipped.replace('hello', 'goodbye'))
  t.match((await start()).stderr, /you have not approved these services/)
  await writeFile(file, shipped)
  t.equal((await start()).code, 0, 'the approved content is still approved')
})

t.test('the agent reaches it by name, past the proxy', async t => {
  t.equal(await greeting(), 'hello from $HOME, new\n')
  const { stdout } = await stack.inside(['sh', '-c', 'echo "$NO_PROXY $no_proxy"'])
  t.match(stdout, /,echo .*,echo$/m)
})

t.test('status, list and logs know it', async t => {
  t.match((await stack.cli(['status'])).stdout, /^echo +Up .*\(healthy\)$/m)
  const { stacks } = JSON.parse((await stack.cli(['list', '--json'])).stdout)
  const listed = stacks.find((one: { stack: string }) => one.stack === stack.stack)
  t.same(listed.services, ['echo'])
  t.equal((await stack.cli(['logs', 'echo'])).stdout, 'serving\n')
})

t.test('the audit attacks from its network, and finds it hardened', async t => {
  const audit = await stack.cli([
    'audit',
    '--json',
    '--probe',
    'B1',
    'C1',
    'C2',
    'C3',
    'N11',
    'N12',
  ])
  const { probes } = JSON.parse(audit.stdout)
  const wrong = probes.flatMap(({ checks }: { checks: { verdict: string }[] }) =>
    checks.filter(({ verdict }) => verdict !== 'held'),
  )
  t.strictSame(wrong, [])
  t.match(JSON.stringify(probes), 'echo:7007')
})

t.test('files that open the stack are refused, and the stack stays as it is', async t => {
  const refused: [string, string, RegExp][] = [
    ['echo.yaml', `${shipped}ports: ['7007:7007']\n`, /echo\.yaml: ports is refused: a published/],
    ['echo.yaml', `${shipped}privileged: true\n`, /echo\.yaml: privileged is refused/],
    ['echo.yaml', shipped.replace('data:/data', '/etc:/data'), /mounts a path of the host/],
    ['proxy.yaml', shipped, /services\/proxy\.yaml: has the name of a part of the stack/],
    ['gateway-services.yaml', shipped, /has the name of a part of the stack/],
    ['other.yaml', shipped.replace('build: echo', 'image: no/such:1'), /is not on this engine/],
  ]
  for (const [name, text, message] of refused) {
    await writeFile(join(folder, name), text)
    const { code, stderr } = await start()
    if (name === 'echo.yaml') await writeFile(file, shipped)
    else await rm(join(folder, name))
    t.equal(code, 1, name)
    t.match(stderr, message)
  }
  t.equal(await greeting(), 'hello from $HOME, new\n', 'the same container still runs')
})

t.test('after a reboot it waits for start, which makes it again', async t => {
  const evidence = join(
    stack.env.XDG_STATE_HOME ?? '',
    'claude-secure/stacks',
    stack.stack,
    'filter',
  )
  await writeFile(evidence, 'boot 00000000-0000-0000-0000-000000000000\n')
  const echo = stack.container('echo')
  await must('docker', ['restart', '--time', '0', echo])
  await until('the service to be held back', async () =>
    (await must('docker', ['ps', '--all', '--filter', `name=${echo}`])).includes('Restarting (78)'),
  )
  // Between two pauses the engine tries it again, and it is up for a moment.
  await until('status to name it', async () =>
    /^held back +echo: /m.test((await stack.cli(['status'])).stdout),
  )
  const { code, stderr } = await start()
  t.equal(code, 0, stderr)
  t.match(await greeting(), /^hello from \$HOME/)
  t.match(await readFile(evidence, 'utf8'), /^boot (?!0{8})/)
})

t.test('stop keeps its data, and clean removes it', async t => {
  t.equal((await stack.cli(['stop'])).code, 0)
  const { stdout } = await run('docker', [
    'ps',
    '-aq',
    '--filter',
    `name=${stack.container('echo')}`,
  ])
  t.equal(stdout, '')
  await must(join(stack.checkout, 'claude.ts'), ['start', '--detach'], {
    cwd: stack.workspace,
    env: stack.env,
  })
  t.equal(await greeting(), 'hello from $HOME, kept\n')
  await stack.cli(['stop'])
  const shown = await stack.cli(['clean', '--dry-run', stack.stack])
  t.match(shown.stdout, 'data of the service echo')
  t.equal((await stack.cli(['clean', '--force', stack.stack])).code, 0)
  const volumes = await must('docker', ['volume', 'ls', '-q'])
  t.notMatch(volumes, stack.stack)
})

t.test('SERVICES=none leaves it out of one folder', async t => {
  t.equal((await stack.cli(['config', '--here', 'SERVICES=none'])).code, 0)
  t.equal((await start()).code, 0)
  t.notMatch((await stack.cli(['status'])).stdout, /^echo/m)
})
