import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { fakeDocker } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'
import { run } from '../../support/stack/process.ts'

const script = await createControlScript(t)
const start = (env: Record<string, string>) => script.run(['start', '--detach'], { env })

const engineOf = (t: Parameters<typeof startFakeEngine>[0], version: string, podman = false) =>
  startFakeEngine(t, {
    ...goodEngine,
    '/version': {
      Version: version,
      ApiVersion: '1.41',
      Components: podman ? [{ Name: 'Podman Engine', Version: version }] : [],
    },
  })

t.test('a missing engine is named with the place that was looked at', async t => {
  const missing = join(await temporaryFolder(t, 'engine'), 'docker.sock')
  for (const command of ['start', 'stop', 'status', 'logs', 'shell']) {
    const outcome = await script.run([command], { env: { DOCKER_HOST: `unix://${missing}` } })
    isTwoLines(t, outcome, {
      error: new RegExp(`no container engine answers at unix://${missing}`),
      hint: /\S*\/claude\.ts setup/,
    })
  }
})

t.test('an engine that stopped leaves a socket where nobody answers', async t => {
  const path = join(await temporaryFolder(t, 'engine'), 'docker.sock')
  // A program that is killed does not remove its socket, and neither does this one.
  const killed = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await run(process.execPath, ['-e', killed])
  isTwoLines(t, await start({ DOCKER_HOST: `unix://${path}` }), {
    error: new RegExp(`no container engine answers at unix://${path}`),
    hint: /run \S*\/claude\.ts setup to install or start/,
  })
})

t.test('an engine below the floor is refused, each line of releases by its own', async t => {
  for (const version of ['20.10.24+dfsg1', '23.0.10', '24.0.9', '25.0.4']) {
    isTwoLines(t, await start({ DOCKER_HOST: await engineOf(t, version) }), {
      error: new RegExp(`Docker Engine ${version.replace(/[.+]/g, '\\$&')} .*CVE-2024-29018`),
      hint: /update the engine, or run \S*\/claude\.ts setup/,
    })
  }
})

t.test('an engine of no known version, or an old Podman, is refused', async t => {
  isTwoLines(t, await start({ DOCKER_HOST: await engineOf(t, 'dev') }), {
    error: /unknown version: dev/,
    hint: /setup/,
  })
  isTwoLines(t, await start({ DOCKER_HOST: await engineOf(t, '4.3.1', true) }), {
    error: /Podman 4\.3\.1 is too old \(need 5\.0\)/,
    hint: /update Podman/,
  })
})

t.test('what answers on the socket and is no engine is not taken for one', async t => {
  const garbage = await startFakeEngine(t, { '/version': '<html>welcome</html>' })
  isTwoLines(t, await start({ DOCKER_HOST: garbage }), {
    error: /no container engine answers at unix:/,
    hint: /setup/,
  })
  const path = join(await temporaryFolder(t, 'engine'), 'docker.sock')
  const closing = createServer(socket => socket.destroy())
  await new Promise<void>(resolve => closing.listen(path, resolve))
  t.teardown(() => closing.close())
  isTwoLines(t, await start({ DOCKER_HOST: `unix://${path}` }), {
    error: /no container engine answers at unix:/,
    hint: /setup/,
  })
})

t.test('an engine of another machine is refused: it would mount its own folders', async t => {
  for (const host of ['tcp://192.0.2.1:2375', 'ssh://user@192.0.2.1', 'unix://relative', 'junk']) {
    isTwoLines(t, await start({ DOCKER_HOST: host }), {
      error: new RegExp(`DOCKER_HOST=${host} is not an engine of this machine`),
      hint: /unix:\/\//,
    })
  }
})

t.test('an engine that fails in mid-work is reported with what it was asked', async t => {
  const failing = await startFakeEngine(t, { '/version': goodEngine['/version'] })
  isTwoLines(t, await script.run(['status'], { env: { DOCKER_HOST: failing } }), {
    error: /the container engine answered 404 to \/containers\/json/,
    hint: /doctor/,
  })
})

t.test('an old Compose plugin is refused with its version', async t => {
  const PATH = `${await fakeDocker(t, { compose: '2.10.0' })}:${script.env.PATH}`
  const DOCKER_HOST = await startFakeEngine(t, goodEngine)
  const XDG_CACHE_HOME = await temporaryFolder(t, 'cache')
  isTwoLines(t, await start({ DOCKER_HOST, PATH, XDG_CACHE_HOME }), {
    error: /Docker Compose 2\.10\.0 is too old \(need 2\.24\)/,
    hint: /update the compose plugin, or run \S*\/claude\.ts setup/,
  })
})

const plugin = (name: string) => `/usr/libexec/docker/cli-plugins/docker-${name}`

t.test('a machine without the docker program or one of its plugins is told which', async t => {
  const DOCKER_HOST = await startFakeEngine(t, goodEngine)
  const XDG_CACHE_HOME = await temporaryFolder(t, 'cache')
  // In a mount namespace of its own, because the client looks into fixed folders of the system.
  const without = (...paths: string[]) => {
    const hide = paths.map(path => `[ ! -e ${path} ] || mount --bind /dev/null ${path}`)
    return run(
      'unshare',
      [
        ...(process.getuid?.() === 0 ? [] : ['--map-root-user']),
        ...['--mount', 'sh', '-c', `${hide.join('; ')}; exec "$@"`, 'sh'],
        ...[join(script.checkout, 'claude.ts'), 'start', '--detach'],
      ],
      { cwd: script.workspace, env: { ...script.env, DOCKER_HOST, XDG_CACHE_HOME } },
    )
  }
  isTwoLines(t, await without(plugin('compose')), {
    error: /the Docker Compose plugin is not installed/,
    hint: /setup/,
  })
  isTwoLines(t, await without(plugin('buildx')), {
    error: /the Docker buildx plugin is not installed/,
    hint: /setup/,
  })
  isTwoLines(t, await without('/usr/bin/docker', '/usr/local/bin/docker'), {
    error: /docker is not in PATH/,
    hint: /setup/,
  })
})

t.test('--verbose adds the cause', async t => {
  const env = { DOCKER_HOST: 'unix:///nowhere/docker.sock' }
  const { code, stderr } = await script.run(['--verbose', 'start'], { env })
  t.equal(code, 1)
  t.match(stderr, /^error: .*\nhint: .*\n[\s\S]*UserError[\s\S]*ENOENT/m)
})
