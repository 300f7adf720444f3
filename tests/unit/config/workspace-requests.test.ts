import t from 'tap'
import { demandsOf, mountsOf } from '../../../src/config/workspace-requests.ts'

const mount = (source: string, target: string, readonly = false) => ({ source, target, readonly })
const of = (...mounts: ReturnType<typeof mount>[]) => mountsOf({ volumes: [], mounts })

t.test(
  'a relative source at its own place in the workspace needs no mount or approval',
  async t => {
    for (const [source, target] of [
      ['./data', '/workspace/data'],
      ['data/', '/workspace/data'],
      ['.', '/workspace'],
      ['a/./b', '/workspace/a/b/'],
    ] as const) {
      t.same(of(mount(source, target)), [], source)
    }
    const requests = {
      environment: {},
      setupCommands: [],
      volumes: ['./a:/workspace/a'],
      mounts: [],
    }
    t.same(demandsOf(requests), [])
  },
)

t.test('a relative source is confined to the workspace and to its place there', async t => {
  for (const source of ['../secrets', 'a/../../b', '..']) {
    t.throws(() => of(mount(source, '/workspace/b')), { message: /leads out of the workspace/ })
  }
  t.throws(() => of(mount('./data', '/mnt/data')), {
    message: /mounts\[0\]: \.\/data is a part of the workspace, and cannot be at \/mnt\/data/,
    hint: /set its target to \/workspace\/data/,
  })
  const readonly = mount('./data', '/workspace/data', true)
  t.throws(() => of(readonly), { message: /./, hint: /remove readonly/ })
  t.throws(() => mountsOf({ volumes: ['../x:/mnt/x:ro'], mounts: [] }), { message: /volumes\[0\]/ })
  t.throws(() => of(mount('../a', '/mnt/a'), mount('./b', '/mnt/b')), { message: /^2 errors: / })
})

t.test('an absolute source is a mount that needs approval', async t => {
  t.same(of(mount('~/data', '/mnt/data', true), mount('/srv/x', '/mnt/x')), [
    { name: 'claude-secure.config.json: mounts[0]', value: '~/data:/mnt/data:ro' },
    { name: 'claude-secure.config.json: mounts[1]', value: '/srv/x:/mnt/x' },
  ])
})
