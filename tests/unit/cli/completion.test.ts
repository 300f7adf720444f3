import { realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t from 'tap'
import { shellWord } from '../../../src/cli/called-as.ts'
import { knownSessions, knownStacks, listedNames } from '../../../src/cli/completion.ts'

t.test('a path is a word of every shell, quoted when it contains a space', async t => {
  t.equal(shellWord('/opt/claude-secure/claude.ts'), '/opt/claude-secure/claude.ts')
  t.equal(shellWord('/opt/my tools/claude.ts'), "'/opt/my tools/claude.ts'")
})

t.test('a path that shells would quote differently is left out of the script', async t => {
  for (const path of ['/a/$HOME', '/a/`id`', "/a/it's", '/a/"q"', '/a/;id', '/a/\n']) {
    t.equal(shellWord(path), null, path)
  }
})

t.test('stacks are suggested by name, and no other entry of the folder is', async t => {
  const folder = { 'claude-secure-b-00000002': {}, 'claude-secure-a-00000001': {}, 'x y': {} }
  t.same(knownStacks(t.testdir({ stacks: folder })), ['a-00000001', 'b-00000002'])
  t.same(knownStacks('/nowhere'), [])
})

t.test(
  'deny is completed with the names of the allowlist, and with none when it is unreadable',
  async t => {
    const lists = ['gateway_sites', 'server_sites', 'login_sites']
      .map(list => `acl ${list} dstdomain -n other.test\n`)
      .join('')
    const names = 'acl allowed_sites dstdomain -n b.test .a.test b.test [::1] *\n'
    const root = (text: string) => t.testdir({ proxy: { 'squid.conf': text } })
    t.same(listedNames(root(`${lists}${names}`)), ['.a.test', 'b.test'])
    t.same(listedNames(root(names)), [])
    t.same(listedNames('/nowhere'), [])
  },
)

t.test('git sessions are suggested by name, those of the folder alone', async t => {
  const record = (session: string, folder: string) => ({
    'session.json': JSON.stringify({
      ...{ version: 1, session, folder, branch: 'claude/x', base: null, target: 'main' },
      ...{ started: '2026-11-30T08:15:02.000Z', remoteBranch: null, pullRequest: null },
      ...{ mayPush: true, mayOpenPullRequest: true },
    }),
  })
  const folder = realpathSync(tmpdir())
  const root = t.testdir({
    stacks: {
      'claude-secure-app-00000001': record('login', folder),
      'claude-secure-app-00000002': record('other', '/elsewhere'),
      'claude-secure-app-00000003': {},
    },
  })
  t.same(await knownSessions(folder, root), ['login'])
  t.same(await knownSessions('/nowhere', root), [])
  const damaged = { 'claude-secure-app-00000001': { 'session.json': '{' } }
  t.same(await knownSessions(folder, t.testdir({ stacks: damaged })), [])
})
