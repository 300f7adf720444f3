import t from 'tap'
import { demandsOf, mountsOf, requestsWithValues } from '../../../src/config/workspace-requests.ts'

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
      gitRepositories: [],
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

t.test('the person who approves sees the values, with nothing hidden in them', async t => {
  const config = {
    environment: {
      NODE_OPTIONS: '--require ./x.js',
      MULTI: 'a\nthe variable B="2"',
      ESC: '\x1b[2J\u202e',
    },
    envFile: '.env',
    volumes: ['/data:/mnt/data'],
    mounts: [],
    setupCommands: ['npm ci'],
    gitRepositories: ['github.com/me/app', 'https://github.com/me/lib.git:ro'],
  }
  const ofEnvFile = { TOKEN: 'of-the-folder', LONG: 'x'.repeat(5_000) }
  t.same(requestsWithValues(config, 'claude-secure.config.json', { ofEnvFile }), [
    'the variable NODE_OPTIONS="--require ./x.js"',
    'the variable MULTI="a\\nthe variable B=\\"2\\""',
    'the variable ESC="\\u001b[2J\\u202e"',
    'the variable TOKEN="of-the-folder" of .env',
    `the variable LONG="${'x'.repeat(300)}" and 4700 more characters of .env`,
    'the mount /data:/mnt/data',
    'the command in its container: npm ci',
    'fetches from github.com/me/app and pushes to its branches claude/… with your token',
    'fetches from github.com/me/lib with your token',
  ])
})
