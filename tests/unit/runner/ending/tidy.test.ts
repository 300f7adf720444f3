import { existsSync, readdirSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { tidy } from '../../../../src/runner/ending/tidy.ts'

t.test("files that claude left are removed, the agent's own are kept", async t => {
  const root = t.testdir({
    elsewhere: { file: '' },
    temporary: { 'claude-1000': { 'fswatch-probe-x': { probe: '' } }, 'cc-socks': {}, mine: '' },
    home: { '.claude': { 'shell-snapshots': { a: '' }, projects: { b: '' } } },
  })
  symlinkSync(join(root, 'elsewhere'), join(root, 'temporary/claude-1'))
  const at = (path: string) => join(root, path)
  await tidy({ path: '/w', key: 'k', home: at('home'), temporary: at('temporary') }, false)
  for (const path of ['temporary/claude-1000', 'temporary/claude-1', 'temporary/cc-socks']) {
    t.notOk(existsSync(at(path)), path)
  }
  t.notOk(existsSync(at('home/.claude/shell-snapshots/a')))
  for (const path of ['elsewhere/file', 'temporary/mine', 'home/.claude/projects/b']) {
    t.ok(existsSync(at(path)), path)
  }
})

t.test('a symlink that a run created is not followed', async t => {
  for (const inUse of [false, true]) {
    for (const link of ['home/.claude/shell-snapshots', 'home/.claude', 'temporary']) {
      const root = t.testdir({
        elsewhere: {
          file: '',
          'shell-snapshots': { a: '' },
          'claude-1': { 'fswatch-probe-old': '' },
        },
        home: link.endsWith('snapshots') ? { '.claude': {} } : {},
      })
      const at = (path: string) => join(root, path)
      utimesSync(at('elsewhere/claude-1/fswatch-probe-old'), 0, 0)
      symlinkSync(at('elsewhere'), at(link))
      await tidy({ path: '/w', key: 'k', home: at('home'), temporary: at('temporary') }, inUse)
      for (const path of ['file', 'shell-snapshots/a', 'claude-1/fswatch-probe-old']) {
        t.ok(existsSync(at(`elsewhere/${path}`)), `${link}: ${path}`)
      }
    }
  }
})

t.test('with a waiting process only old probes are removed', async t => {
  const root = t.testdir({
    home: {},
    temporary: { 'claude-1000': { tasks: '', 'fswatch-probe-old': {}, 'fswatch-probe-new': {} } },
  })
  const folder = join(root, 'temporary/claude-1000')
  utimesSync(join(folder, 'fswatch-probe-old'), 0, 0)
  const temporary = join(root, 'temporary')
  await tidy({ path: '/w', key: 'k', home: join(root, 'home'), temporary }, true)
  t.strictSame(readdirSync(folder).sort(), ['fswatch-probe-new', 'tasks'])
})

t.test('missing folders are not an error', async t => {
  await tidy({ path: '/w', key: 'k', home: '/nonexistent', temporary: '/nonexistent' }, false)
  t.pass()
})
