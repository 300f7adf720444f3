import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  declaredMounts,
  isEngineSocket,
  unexpectedMounts,
  writableMounts,
} from '../../../src/audit/mounts.ts'

const mount = (Source: string, Destination: string, RW = false, Type = 'bind') => ({
  Type,
  Source,
  Destination,
  RW,
})
const workspace = '/home/me/app'
const shipped = {
  claude: [
    mount(workspace, '/workspace', true),
    mount(`${workspace}/.git/config`, '/workspace/.git/config'),
    mount('/state/passwd', '/etc/passwd'),
    mount('/var/lib/docker/volumes/home/_data', '/home/claude', true, 'volume'),
  ],
  worker: [
    mount(workspace, '/workspace', true),
    mount(`${workspace}/.git/config`, '/workspace/.git/config'),
    mount('/state/meter-key', '/run/secrets/meter-key'),
  ],
  gateway: [
    mount('/state/credential.json', '/run/secrets/credential'),
    mount('/state/usage', '/var/lib/claude-secure/usage', true),
  ],
  proxy: [mount('/checkout/proxy', '/etc/claude-secure/proxy')],
  rehearsal: [],
}

t.test('only the mounts of the design are expected', async t => {
  for (const [service, mounts] of Object.entries(shipped)) {
    t.same(unexpectedMounts(service, mounts, workspace), [], service)
    t.same(writableMounts(service, mounts), [], service)
  }
  t.same(unexpectedMounts('claude', [mount('/etc', '/mnt/etc')], workspace), [
    'bind of /etc at /mnt/etc',
  ])
  t.same(
    unexpectedMounts('claude', [mount('/state/meter-key', '/run/secrets/meter-key')], workspace),
    ['bind of /state/meter-key at /run/secrets/meter-key'],
  )
  t.same(writableMounts('worker', [mount('/state/meter-key', '/run/secrets/meter-key', true)]), [
    '/run/secrets/meter-key',
  ])
  t.same(unexpectedMounts('rehearsal', shipped.gateway, workspace).length, 2)
  t.same(unexpectedMounts('unknown', shipped.proxy, workspace).length, 1)
})

t.test('a path of the workspace may be mounted only over itself', async t => {
  const strange = (source: string) =>
    unexpectedMounts('claude', [mount(source, '/workspace/.git/config')], workspace).length
  t.equal(strange(`${workspace}/.git/config`), 0)
  t.equal(strange('/root/.ssh'), 1)
  t.equal(strange(`${workspace}/other`), 1)
})

t.test('a declared mount is expected only as declared, and only in the agent', async t => {
  const declared = [{ source: '/data', target: '/mnt/data', writable: false }]
  const strange = (service: string, found: ReturnType<typeof mount>) =>
    unexpectedMounts(service, [found], workspace, declared).length
  t.equal(strange('claude', mount('/data', '/mnt/data')), 0)
  t.equal(strange('proxy', mount('/data', '/mnt/data')), 1, 'another service')
  t.equal(strange('claude', mount('/etc', '/mnt/data')), 1, 'another source')
  t.equal(strange('claude', mount('/data', '/mnt/other')), 1, 'another place')
  t.equal(strange('claude', mount('/data', '/mnt/data', true)), 1, 'writable')
  t.equal(
    unexpectedMounts('claude', [mount('/data', '/mnt/data')], workspace).length,
    1,
    'no such mount is declared',
  )
  const open = [{ source: '/data', target: '/mnt/data', writable: true }]
  t.same(writableMounts('claude', [mount('/data', '/mnt/data', true)], open), [])
  t.same(writableMounts('claude', [mount('/data', '/mnt/data', true)], declared), ['/mnt/data'])
})

t.test('copy mode mounts no folder of the host, mount mode only the workspace', async t => {
  t.equal(unexpectedMounts('claude', [mount(workspace, '/workspace', true)], null).length, 1)
  t.equal(unexpectedMounts('claude', [mount('/', '/workspace', true)], workspace).length, 1)
  t.same(
    unexpectedMounts('claude', [mount('/volumes/copy', '/workspace', true, 'volume')], null),
    [],
  )
})

t.test('the configuration of a service never comes from the workspace', async t => {
  const own = [mount(`${workspace}/proxy`, '/etc/claude-secure/proxy')]
  t.equal(unexpectedMounts('proxy', own, workspace).length, 1)
  t.same(
    unexpectedMounts('proxy', own, null),
    [],
    'of a copied folder the agent has the copy alone',
  )
})

t.test('only home and workspace are writable', async t => {
  t.same(writableMounts('proxy', [mount('/p', '/etc/claude-secure/proxy', true)]), [
    '/etc/claude-secure/proxy',
  ])
  t.same(writableMounts('claude', [mount('/p', '/etc/passwd', true)]), ['/etc/passwd'])
  t.same(
    writableMounts('claude', [mount('/p', '/home/claude', true)]),
    ['/home/claude'],
    'a folder of the host is not a volume',
  )
})

t.test("the engine's socket is found under any name", async t => {
  // A socket's path has 107 bytes at most, and a test's own folder is deep.
  const folder = await mkdtemp(join(tmpdir(), 'claude-secure-test-mounts-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 'engine')
  const server = createServer().listen(socketPath)
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  await mkdir(join(folder, 'deep'))
  await symlink(socketPath, join(folder, 'deep/link'))
  await writeFile(join(folder, 'deep/file'), '')
  const found = (Source: string, Destination = '/x') =>
    isEngineSocket({ Source, Destination }, { socketPath })
  t.equal(await found(socketPath), true)
  t.equal(await found(join(folder, 'deep/link')), true)
  t.equal(await found(folder), true, 'a folder that holds it')
  t.equal(await found('/'), true)
  t.equal(await found('/nowhere', '/var/run/docker.sock'), true)
  t.equal(await found('/run/podman/podman.sock'), true)
  t.equal(await found(join(folder, 'deep')), false)
  t.equal(await found(join(folder, 'deep/file')), false)
  t.equal(await isEngineSocket({ Source: '/nowhere', Destination: '/x' }, null), false)
})

const labelled = (text: string) => ({ Config: { Labels: { 'claude-secure.mounts': text } } })

t.test('declared mounts are read from the label, and an unreadable label gives none', async t => {
  const mount = { source: '/data', target: '/mnt/data', writable: false }
  t.same(declaredMounts(labelled(JSON.stringify([mount]))), [mount])
  for (const text of ['', '{', '{}', '[{"source":"/"}]']) t.same(declaredMounts(labelled(text)), [])
  t.same(declaredMounts({ Config: { Labels: null } }), [])
})

t.test('a server has the mounts of its design, and a worker those of its tenant', async t => {
  const volume = (target: string, writable: boolean) =>
    mount('/var/lib/docker/volumes/x/_data', target, writable, 'volume')
  const served = {
    'worker-main': [
      mount('/workspaces/main', '/workspaces', true),
      volume('/home/claude', true),
      volume('/run/claude-secure', true),
      mount('/state/runner-tokens/main', '/run/secrets/runner-token'),
      mount('/state/meter-keys/main', '/run/secrets/meter-key'),
      mount('/state/filter', '/etc/claude-secure/filter'),
    ],
    server: [
      mount('/state/server', '/etc/claude-secure/server'),
      mount('/state/server-data', '/var/lib/claude-secure/server', true),
      mount('/state/server-grants', '/var/lib/claude-secure/grants', true),
      mount('/custom/schedules', '/etc/claude-secure/schedules'),
      mount('/workspaces/main', '/workspaces/main', true),
      volume('/run/claude-secure/workers/main', false),
    ],
    ingress: [],
    proxy: [mount('/state/server-grants', '/etc/claude-secure/server-grants')],
  }
  for (const [service, mounts] of Object.entries(served)) {
    t.same(unexpectedMounts(service, mounts, null), [], service)
    t.same(writableMounts(service, mounts), [], service)
  }
  const wrong: [string, ReturnType<typeof mount>][] = [
    ['worker-main', mount('/state/server', '/etc/claude-secure/server')],
    ['worker-main', mount('/home/me', '/workspace', true)],
    ['ingress', mount('/state/server', '/etc/claude-secure/server')],
    ['server', mount('/workspaces', '/workspaces', true)],
    ['server', mount('/checkout/proxy', '/etc/claude-secure/proxy')],
  ]
  for (const [service, one] of wrong) {
    t.equal(unexpectedMounts(service, [one], null).length, 1, `${service} ${one.Destination}`)
  }
  const tokens = mount('/state/server', '/etc/claude-secure/server', true)
  t.same(writableMounts('server', [tokens]), ['/etc/claude-secure/server'])
})
