import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fakeProgram } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { createControlScript } from '../../support/stack/control-script.ts'
import { run } from '../../support/stack/process.ts'

const script = await createControlScript(t)

const engineOf = (t: Test, Version: string) =>
  startFakeEngine(t, {
    ...goodEngine,
    '/version': { Version, ApiVersion: '1.41', Components: [] },
  })

t.test('doctor continues after the first problem, and exits 1', async t => {
  const env = { DOCKER_HOST: await engineOf(t, '24.0.9') }
  const { code, stdout } = await script.run(['doctor', '--json'], { env })
  t.equal(code, 1)
  const { findings } = JSON.parse(stdout)
  const ids = findings.map(({ id }: { id: string }) => id)
  for (const id of ['engine', 'compose', 'credential', 'allowlist', 'images', 'disk']) {
    t.ok(ids.includes(id), id)
  }
  t.match(findings.find(({ id }: { id: string }) => id === 'engine').severity, 'refusal')
})

t.test(
  'doctor says what the engine says of the machine, with a known fault by its name',
  async t => {
    const env = {
      DOCKER_HOST: await startFakeEngine(t, {
        ...goodEngine,
        '/version': {
          Version: '28.5.2',
          ApiVersion: '1.51',
          Platform: { Name: 'Docker Desktop 4.43.2 (199162)' },
          Components: [
            { Name: 'runc', Version: '1.2.7', Details: { GitCommit: 'v1.2.7-0-g' } },
            { Name: 'containerd', Version: '2.1.5', Details: { GitCommit: 'abc' } },
          ],
        },
        '/info': {
          SecurityOptions: [],
          CgroupVersion: '1',
          KernelVersion: '6.1.0',
          DockerRootDir: '/var/lib/docker',
          SystemTime: new Date(Date.now() - 3_600_000).toISOString(),
        },
        '/volumes': { Volumes: null },
      }),
    }
    const { code, stdout } = await script.run(['doctor', '--json'], { env })
    const { findings } = JSON.parse(stdout)
    const found = (id: string) => findings.find((finding: { id: string }) => finding.id === id)
    t.match(found('runc'), { severity: 'warning', message: /CVE-2025-31133/, group: 'engine' })
    t.match(found('containerd'), { severity: 'ok' })
    t.match(found('desktop'), { severity: 'warning', message: /4\.43\.2 .*CVE-2025-9074/ })
    t.match(found('seccomp'), { severity: 'refusal', group: 'kernel' })
    t.match(found('clock'), {
      severity: 'warning',
      message: /36\d\d s ahead of the clock of the engine/,
    })
    t.match(found('live'), { severity: 'note', group: 'live proof' })
    t.equal(code, 1)
  },
)

t.test('doctor --fix performs the repairs that --dry-run only lists', async t => {
  const env = { DOCKER_HOST: await engineOf(t, '28.5.2') }
  const root = join(script.env.XDG_CACHE_HOME ?? '', 'claude-secure')
  const tags = join(root, 'tags-0123456789ab.json')
  // What cannot be done is said, and keeps nothing else from being done.
  await script.edit(t, 'claude/tools.md', text => `${text}\nnever built\n`)
  // New tags are remembered now; the next command that remembers some would tidy up by itself.
  await script.run(['doctor'], { env })
  await mkdir(root, { recursive: true })
  await writeFile(tags, JSON.stringify({ root: '/nowhere/checkout' }))
  const dry = await script.run(['doctor', '--dry-run'], { env })
  t.match(dry.stdout, `would be done: remove ${tags}`)
  t.ok(existsSync(tags))
  const fixed = await script.run(['doctor', '--fix', '--json'], {
    env: { ...env, npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' },
  })
  const { repairs } = JSON.parse(fixed.stdout)
  t.match(
    repairs.find(({ what }: { what: string }) => what.startsWith('remove ')),
    { what: `remove ${tags}`, outcome: 'done' },
  )
  t.match(
    repairs.find(({ what }: { what: string }) => what.startsWith('build ')),
    { outcome: 'failed', reason: /./ },
  )
  t.notOk(existsSync(tags))
})

t.test('--fix starts an installed engine that does not answer', async t => {
  const PATH = `${await fakeProgram(t, 'dockerd', 'exit 99')}:${script.env.PATH}`
  const HOME = await temporaryFolder(t, 'home')
  // In a mount namespace of its own, where nothing listens at the usual places.
  const hide = ['/run/docker.sock', '/run/podman/podman.sock']
    .map(path => `[ ! -e ${path} ] || mount --bind /dev/null ${path}`)
    .join('; ')
  const { code, stdout } = await run(
    'unshare',
    [
      ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
      ...['--mount', 'sh', '-c', `${hide}; exec "$@"`, 'sh'],
      ...[join(script.checkout, 'claude.ts'), 'doctor', '--dry-run'],
    ],
    { cwd: script.workspace, env: { ...script.env, PATH, HOME } },
  )
  t.equal(code, 1)
  t.match(stdout, 'would be done: start the container engine')
  t.match(stdout, /problem {2}the container engine is installed but does not answer/)
})

t.test('doctor does not start an engine at an address from DOCKER_HOST', async t => {
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' }
  const { code, stdout } = await script.run(['doctor', '--fix', '--json'], { env })
  const { findings, repairs } = JSON.parse(stdout)
  t.equal(code, 1)
  t.match(findings[0], { id: 'engine', severity: 'refusal', fixable: false })
  t.notMatch(JSON.stringify(repairs), /engine/)
})
