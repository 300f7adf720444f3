import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  engineCandidates,
  findEngine,
  isAtLeast,
  parseDockerHost,
  parseVersion,
} from '../../../src/engine/find-engine.ts'

t.test('DOCKER_HOST decides alone; without it the usual sockets are tried in order', async t => {
  t.same(engineCandidates({ DOCKER_HOST: 'unix:///run/my.sock' }, 0), ['unix:///run/my.sock'])
  t.same(engineCandidates({ HOME: '/home/me', XDG_RUNTIME_DIR: '/run/user/7' }, 7), [
    'unix:///var/run/docker.sock',
    'unix:///run/user/7/docker.sock',
    'unix:///home/me/.docker/run/docker.sock',
    'unix:///run/podman/podman.sock',
    'unix:///run/user/7/podman/podman.sock',
  ])
})

t.test('an engine of another machine is refused', async t => {
  t.same(parseDockerHost('unix:///var/run/docker.sock'), { socketPath: '/var/run/docker.sock' })
  t.same(parseDockerHost('tcp://127.0.0.1:2375'), { host: '127.0.0.1', port: 2375 })
  t.same(parseDockerHost('tcp://[::1]:2376'), { host: '::1', port: 2376 })
  for (const host of ['tcp://10.0.0.7:2375', 'ssh://me@server', 'nonsense', '']) {
    t.throws(() => parseDockerHost(host), { message: /not an engine of this machine/ }, host)
  }
})

t.test('the engine that answers is found, and known as Docker or Podman', async t => {
  // Not a test folder: the path of a socket has to be short.
  const folder = await mkdtemp(join(tmpdir(), 'engine-'))
  t.teardown(() => rm(folder, { recursive: true }))
  for (const [banner, kind] of [
    ['Docker/26.1.5 (linux)', 'docker'],
    ['Libpod/26.1.5 (linux)', 'podman'],
  ] as const) {
    const socket = join(folder, `${kind}.sock`)
    const server = createServer((_, response) => response.setHeader('Server', banner).end('OK'))
    await new Promise<void>(resolve => server.listen(socket, resolve))
    t.teardown(() => server.close())
    const { found } = await findEngine({ DOCKER_HOST: `unix://${socket}` }, 0)
    t.match(found, { kind, address: { socketPath: socket }, version: '26.1.5' })
  }
})

t.test(
  'an engine can be asked before it says what it is; one that is missing is not asked',
  async t => {
    const folder = await mkdtemp(join(tmpdir(), 'engine-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const socket = join(folder, 'engine.sock')
    const paths: string[] = []
    const server = createServer(({ url = '' }, response) => {
      paths.push(url.split('?')[0] ?? '')
      response.setHeader('Server', 'Docker/26.1.5 (linux)').end('[]')
    })
    await new Promise<void>(resolve => server.listen(socket, resolve))
    t.teardown(() => server.close())
    const answers: Promise<unknown>[] = []
    const { found } = await findEngine({ DOCKER_HOST: `unix://${socket}` }, 0, engine => {
      answers.push(engine.networks([]))
    })
    t.match(found, { kind: 'docker' })
    t.same(await Promise.all(answers), [[]])
    t.same(paths, ['/networks', '/_ping'])
    await findEngine({ DOCKER_HOST: 'unix:///nonexistent.sock' }, 0, () =>
      t.fail('it is not there'),
    )
  },
)

t.test('without an engine, the error lists what was tried', async t => {
  const { found, tried } = await findEngine({ DOCKER_HOST: 'unix:///nonexistent.sock' }, 0)
  t.equal(found, null)
  t.match(tried, [{ where: 'unix:///nonexistent.sock', reason: /ENOENT/ }])
})

t.test('versions are read as engines, plugins and distributions write them', async t => {
  t.same(parseVersion('26.1.5+dfsg1'), [26, 1, 5])
  t.same(parseVersion('v2.24.0-desktop.1'), [2, 24, 0])
  t.same(parseVersion('2.26.1-4'), [2, 26, 1])
  t.same(parseVersion('1.1.5+ds1-1+deb12u1'), [1, 1, 5])
  t.same(parseVersion('5.4\n'), [5, 4, 0])
  t.equal(parseVersion('latest'), null)
  t.equal(parseVersion(''), null)
})

t.test('numbers are compared as numbers', async t => {
  t.ok(isAtLeast([26, 0, 0], [25, 0, 5]))
  t.ok(isAtLeast([1, 1, 12], [1, 1, 12]))
  t.notOk(isAtLeast([1, 1, 9], [1, 1, 12]))
  t.notOk(isAtLeast([23, 0, 11], [25, 0, 5]))
})
