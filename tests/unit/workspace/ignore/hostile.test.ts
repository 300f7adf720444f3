import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { walkHost } from '../../../../src/workspace/copy/read-host.ts'
import { parseGitIndex } from '../../../../src/workspace/ignore/git-files.ts'
import { parsePatterns } from '../../../../src/workspace/ignore/pattern.ts'
import { must } from '../../../support/stack/process.ts'

t.test('a pattern of many stars is judged in steps, not in their powers', async t => {
  const [stars, folders] = parsePatterns(`${'*a'.repeat(200)}b\n${'**/a/'.repeat(100)}b\n`)
  t.notOk(stars?.matches(`${'a'.repeat(5_000)}c`, false))
  t.notOk(folders?.matches(`${'a/'.repeat(1_000)}c`, false))
})

t.test('an index that is none, is cut off, or lies is no index', async t => {
  const header = (version: number, count: number) => {
    const head = Buffer.alloc(12)
    head.write('DIRC')
    head.writeUInt32BE(version, 4)
    head.writeUInt32BE(count, 8)
    return head
  }
  t.equal(parseGitIndex(Buffer.from('')), null)
  t.equal(parseGitIndex(Buffer.from('not an index at all')), null)
  t.equal(parseGitIndex(header(5, 0)), null)
  t.equal(parseGitIndex(header(2, 4_000_000_000)), null)
  t.equal(parseGitIndex(Buffer.concat([header(4, 1), Buffer.alloc(200, 0xff)])), null)
  const entry = (name: string) =>
    Buffer.concat([Buffer.alloc(62), Buffer.from(name), Buffer.alloc(8)])
  t.same(parseGitIndex(Buffer.concat([header(2, 1), entry('a/b')])), ['a/b'])
  for (const name of ['../x', '/etc/passwd', 'a/../b', './a']) {
    t.equal(parseGitIndex(Buffer.concat([header(2, 1), entry(name)])), null, name)
  }
})

t.test('no program runs, no link is followed and no pipe waited for', async t => {
  const root = t.testdir({
    outside: { list: '*\n', git: { index: 'x', info: { exclude: '*' } } },
    folder: { a: '', inner: { b: '' }, piped: { c: '' } },
  })
  const folder = join(root, 'folder')
  symlinkSync(join(root, 'outside/list'), join(folder, '.gitignore'))
  writeFileSync(join(folder, 'inner/.git'), `gitdir: ${join(root, 'outside/git')}\n`)
  await must('mkfifo', [join(folder, 'piped/.gitignore')])
  mkdirSync(join(folder, '.git'))
  writeFileSync(
    join(folder, '.git/config'),
    `[core]\n fsmonitor = touch ${join(root, 'RAN')}\n excludesFile = ${join(root, 'outside/list')}\n`,
  )
  const paths: string[] = []
  for await (const { path } of walkHost(folder, {}).items) paths.push(path)
  t.ok(
    ['a', 'inner/b', 'piped/c'].every(path => paths.includes(path)),
    paths.join(' '),
  )
})
