import { join } from 'node:path'
import t from 'tap'
import { parseServiceDefinition } from '../../../../src/config/added-service.ts'
import {
  readHardening,
  renderAddedService,
  serviceOfVolume,
  summarise,
} from '../../../../src/stack/additions/added-service.ts'

const root = join(import.meta.dirname, '../../../..')
const hardening = await readHardening(root)
const definition = (more: object = {}) =>
  parseServiceDefinition('services/db.yaml', {
    image: 'postgres:17',
    expose: [5432],
    healthcheck: { test: ['CMD-SHELL', 'test "$READY" = 1'] },
    ...more,
  })
const render = (more: object = {}) =>
  renderAddedService(
    { name: 'db', image: 'made:1', definition: definition(more) },
    hardening,
    '/s/filter',
  )

t.test('a service has the hardening of compose.yaml, and one network', async t => {
  const rendered = render({ volumes: ['data:/data'], tmpfs: { '/var/cache': '8m' } })
  t.match(rendered, {
    image: 'made:1',
    user: '10001:10001',
    networks: ['claude-internal'],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    read_only: true,
    dns: ['127.0.0.1'],
    init: true,
    ipc: 'private',
    mem_limit: '512m',
    memswap_limit: '512m',
    pids_limit: 128,
    logging: { options: { 'max-size': '10m' } },
    sysctls: { 'net.ipv6.conf.all.disable_ipv6': 1 },
    volumes: [
      { type: 'volume', source: 'service.db.data', target: '/data' },
      { type: 'bind', source: '/s/filter', target: '/etc/claude-secure/filter', read_only: true },
    ],
  })
  const tmpfs = Array.isArray(rendered.tmpfs) ? rendered.tmpfs : []
  t.ok(tmpfs.some(mount => mount.startsWith('/var/cache:size=8m')))
  for (const mount of tmpfs) t.match(mount, /size=.*noexec,nosuid,nodev/)
  for (const key of ['ports', 'cap_add', 'privileged', 'depends_on', 'env_file']) {
    t.notOk(key in rendered, key)
  }
})

t.test('an exception changes its control, and no other', async t => {
  const reason = 'a reason that says why'
  const { cap_add, read_only, tmpfs, ...rest } = render({
    exceptions: {
      'writable-root': reason,
      'executable-tmp': reason,
      'capability-CHOWN': reason,
    },
  })
  const plain = render()
  t.same(cap_add, ['CHOWN'])
  t.equal(read_only, false)
  t.match(tmpfs, [/^\/tmp:(?!.*noexec)/, /^\/run:.*noexec/])
  const { cap_add: _, read_only: __, tmpfs: ___, ...plainRest } = plain
  t.same(rest, plainRest)
})

t.test('dollar signs are text', async t => {
  const rendered = render({ command: ['sh', '-c', 'echo $HOME'], environment: { A: '$B' } })
  t.match(rendered, {
    command: ['sh', '-c', 'echo $$HOME'],
    environment: { A: '$$B' },
    healthcheck: { test: ['CMD-SHELL', 'test "$$READY" = 1'] },
  })
})

t.test('a volume names its service', async t => {
  const stack = 'claude-secure-app-00000001'
  t.equal(serviceOfVolume(stack, `${stack}_service.db.data`), 'db')
  for (const name of [`${stack}_home-1000`, `${stack}_workspace`, 'x_service.db.data']) {
    t.equal(serviceOfVolume(stack, name), null, name)
  }
})

t.test('the label has ports, data and exceptions', async t => {
  const exceptions = { 'root-user': 'the image starts as root' }
  const more = { user: '0:0', volumes: ['data:/data'], exceptions }
  t.same(summarise({ name: 'db', image: 'made:1', definition: definition(more) }), {
    ...{ name: 'db', expose: [5432], volumes: ['/data'], exceptions },
  })
})
