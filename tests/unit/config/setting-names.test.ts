import t from 'tap'
import { loadCustomSettings, loadSettings } from '../../../src/config/load-settings.ts'
import {
  parseCopyExclude,
  parseGitIdentity,
  parseMcpServers,
  parsePackages,
  withOurNames,
} from '../../../src/config/setting-names.ts'
import { Settings } from '../../../src/config/settings.ts'

t.test('variables and folders have both prefixes, in .env and in the environment', async t => {
  const folder = t.testdir({
    '.env': 'CLAUDE_ENV_A=ours\nCLAUDEBOX_ENV_A=theirs\nCLAUDEBOX_ENV_B=b\nCLAUDEBOX_MOUNT_1=/x\n',
  })
  t.same(await loadCustomSettings(folder, {}), {
    environment: { A: 'ours', B: 'b' },
    mounts: { 1: '/x' },
  })
  const env = { CLAUDEBOX_ENV_B: 'shell', CLAUDEBOX_MOUNT_2: '/y' }
  t.same(await loadCustomSettings(folder, env), {
    environment: { A: 'ours', B: 'shell' },
    mounts: { 1: '/x', 2: '/y' },
  })
  t.same(withOurNames({ CLAUDEBOX_ENV_A: 1, CLAUDE_ENV_A: 2, OTHER: 3 }), {
    CLAUDE_ENV_A: 2,
    OTHER: 3,
  })
})

t.test('.env takes the names of settings, and refuses an unknown one', async t => {
  const env = (text: string) => loadSettings(t.testdir({ '.env': text }), {})
  t.match(await env('CLAUDEBOX_SSH_DIR=/keys\nCLAUDEBOX_MINIMAL=true\n'), {
    SSH_DIR: '/keys',
    IMAGE_TARGET: 'minimal',
  })
  t.match(await env('SSH_DIR=/ours\nCLAUDEBOX_SSH_DIR=/keys\n'), { SSH_DIR: '/ours' })
  await t.rejects(env('CLAUDEBOX_SHH_DIR=/keys\n'), { message: /unknown setting/ })
})

t.test('a name and an address', async t => {
  const ada = { name: 'Ada Lovelace', mail: 'ada@example.com' }
  t.same(parseGitIdentity('Ada Lovelace <ada@example.com>'), ada)
  t.same(parseGitIdentity('  Ada Lovelace  <ada@example.com> '), ada)
})

t.test('what is none', async t => {
  for (const value of [
    ...['Ada', '<a@b>', 'Ada <>', 'Ada <a b>', 'A <a> <b>', 'A\x1b <a@b>', 'A\n[core] <a@b>'],
    `${'x'.repeat(257)} <a@b>`,
  ]) {
    t.equal(parseGitIdentity(value), null, JSON.stringify(value))
    t.equal(Settings.safeParse({ GIT_IDENTITY: value }).success, false)
  }
  for (const value of ['host', 'none', 'A <a@b>']) {
    t.equal(Settings.safeParse({ GIT_IDENTITY: value }).success, true)
  }
})

t.test('ask, none, or names', async t => {
  t.equal(parseMcpServers('ask'), 'ask')
  t.equal(parseMcpServers('none'), 'none')
  t.same(parseMcpServers('github, my_db'), ['github', 'my_db'])
  for (const value of ['a b', 'a,', '../x', '*']) t.equal(parseMcpServers(value), null, value)
})

t.test('names and versions, each once, in a stable order', async t => {
  t.same(parsePackages('hello g++, bc'), ['bc', 'g++', 'hello'])
  t.same(parsePackages(' bc  bc\tlibstdc++6 '), ['bc', 'libstdc++6'])
  t.same(parsePackages('hello=2.10-5 tool=1:2.0~rc1+b2'), ['hello=2.10-5', 'tool=1:2.0~rc1+b2'])
  t.same(parsePackages('0ad r8'), ['0ad', 'r8'])
})

t.test('what apt or a shell would take for something else is no name', async t => {
  for (const value of [
    'hello;id',
    '$(id)',
    '`id`',
    'a|b',
    'a>b',
    "'a'",
    '-oDir=/x',
    '--allow-unauthenticated',
    'hello-',
    'hello/sid',
    'lib*',
    'lib?',
    'hello:arm64',
    '/tmp/x.deb',
    './x.deb',
    '../x.deb',
    '^hello$',
    '~nhello',
    'hello=',
    'hello=-1',
    'Hello',
    'hello=1\u0000',
    'hällo',
    'x'.repeat(201),
  ]) {
    t.equal(parsePackages(value), null, value)
    t.equal(parsePackages(`bc ${value}`), null, value)
  }
  t.equal(
    parsePackages(Array.from({ length: 201 }, (_, index) => `package${index}`).join(' ')),
    null,
  )
})

t.test(
  'patterns are separated by commas; spaces around them and empty ones do not count',
  async t => {
    t.same(parseCopyExclude(undefined), [])
    t.same(parseCopyExclude(' *.log, /data/,, !.env '), ['*.log', '/data/', '!.env'])
  },
)
