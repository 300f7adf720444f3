import t from 'tap'
import {
  installCommands,
  type OsRelease,
  parseOsRelease,
  planInstall,
  readOsRelease,
  renderPreferences,
  renderSource,
  runAsRoot,
} from '../../../src/machine/engine-install.ts'

const os = (id: string, versionId: string): OsRelease => ({
  id,
  versionId,
  codename: '',
  name: `${id} ${versionId}`,
})
const all = { engine: true, bootstrap: true }
const mirror = 'http://mirror.test/debian'

t.test('Debian 12 takes Docker from Debian 13, because its own is below the floor', async t => {
  const plan = planInstall(os('debian', '12'), all, mirror)
  t.same(plan.newerRelease, { suite: 'trixie', mirror })
  t.has(plan.packages, ['docker.io', 'docker-cli', 'docker-compose', 'docker-buildx'])
  t.throws(() => planInstall(os('debian', '12'), all, null), { message: /no Debian mirror/ })
})

t.test('Debian 13 and Ubuntu take their own packages', async t => {
  const debian = planInstall(os('debian', '13'), all, mirror)
  t.notOk(debian.newerRelease)
  t.ok(debian.packages.includes('docker-compose'))
  for (const version of ['22.04', '24.04', '26.04']) {
    const ubuntu = planInstall(os('ubuntu', version), all, null)
    t.notOk(ubuntu.newerRelease)
    t.ok(ubuntu.packages.includes('docker-compose-v2'), version)
    t.ok(ubuntu.packages.includes('debian-archive-keyring'), version)
  }
})

t.test('installs only missing packages', async t => {
  const plan = planInstall(os('debian', '12'), { engine: false, bootstrap: true }, null)
  t.same(plan, { packages: ['mmdebstrap', 'debian-archive-keyring'] })
  const engine = planInstall(os('debian', '13'), { engine: true, bootstrap: false }, null)
  t.notOk(engine.packages.includes('mmdebstrap'))
})

t.test('an unknown system is refused with the manual step', async t => {
  for (const [id, version] of [
    ['fedora', '42'],
    ['ubuntu', '20.04'],
    ['debian', '11'],
    ['', ''],
  ]) {
    t.throws(() => planInstall(os(id ?? '', version ?? ''), all, mirror), {
      message: /cannot install packages on/,
      hint: /install Docker Engine 26/,
    })
  }
})

t.test('the newer release is pinned below everything but Docker', async t => {
  const [anything, docker] = renderPreferences('trixie').split('\n\n')
  t.match(anything, /Package: \*\nPin: release n=trixie\nPin-Priority: -1$/)
  t.match(docker, /^Package: docker\.io docker-cli docker-compose docker-buildx\n/)
  t.match(renderSource({ suite: 'trixie', mirror }), /^URIs: http:\/\/mirror\.test\/debian$/m)
  t.match(renderSource({ suite: 'trixie', mirror }), /^Signed-By: \/usr\/share\/keyrings\/debian-/m)
})

t.test('writes the preferences before the source', async t => {
  const plan = planInstall(os('debian', '12'), all, mirror)
  const commands = installCommands(plan).map(({ file, args }) => `${file} ${args[0]}`)
  t.same(commands, [
    'tee /etc/apt/preferences.d/claude-secure-docker',
    'tee /etc/apt/sources.list.d/claude-secure-docker.sources',
    'apt-get update',
    'apt-get install',
  ])
  const install = installCommands(plan).at(-1)
  t.ok(install?.args.includes('--no-remove'), 'nothing of the user is removed')
})

t.test("a failed command reports apt's error and the next step", async t => {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) {
    t.comment('needs root: sudo would ask')
    return
  }
  const failing = (script: string) => runAsRoot({ file: 'sh', args: ['-c', script] }, { uid: 0 })
  await t.rejects(failing('echo "E: Could not get lock /var/lib/dpkg/lock" >&2; exit 100'), {
    message: /Could not get lock/,
    hint: /other package manager/,
  })
  await t.rejects(failing('echo "E: Failed to fetch http://mirror.test" >&2; exit 100'), {
    message: /Failed to fetch/,
    hint: /apt-get update/,
  })
  await t.rejects(failing('echo "dpkg: error: No space left on device" >&2; exit 1'), {
    message: /disk of \/var is full \(\d+ MB free\)/,
  })
})

t.test('reads the os-release of Debian and Ubuntu', async t => {
  const debian = parseOsRelease(`PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION_CODENAME=bookworm
ID=debian
`)
  t.same(debian, {
    id: 'debian',
    versionId: '12',
    codename: 'bookworm',
    name: 'Debian GNU/Linux 12 (bookworm)',
  })
  const ubuntu = parseOsRelease(`PRETTY_NAME="Ubuntu 24.04.3 LTS"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
`)
  t.match(ubuntu, { id: 'ubuntu', versionId: '24.04', codename: 'noble' })
})

t.test('a system without os-release is unknown', async t => {
  t.match(await readOsRelease('/nonexistent'), { id: '', name: 'an unknown system' })
})
