import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import {
  copyChanges,
  gitDataChanged,
  hasNewCommits,
} from '../../../../src/workspace/copy/changes.ts'
import type { Entry, Tree } from '../../../../src/workspace/copy/entry.ts'
import { findGitData } from '../../../../src/workspace/copy/git-data.ts'

const file = (sha256: string): Entry => ({ type: 'file', sha256, executable: false, size: 1 })
const treeOf = (...paths: string[]): Tree => new Map(paths.map(path => [path, file('1')]))

const bare = {
  HEAD: 'ref: refs/heads/main\n',
  config:
    '[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ../work\n\tfsmonitor = "touch $FIRED; false"\n',
  'objects/x': '',
  'refs/x': '',
}

t.test('git obeys a folder that is a repository by what it holds alone', async t => {
  const root = t.testdir({ work: {} })
  for (const [path, text] of Object.entries(bare)) {
    mkdirSync(dirname(join(root, 'sub', path)), { recursive: true })
    writeFileSync(join(root, 'sub', path), text)
  }
  const FIRED = join(root, 'fired')
  const env = { ...process.env, FIRED, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  execFileSync('git', ['status'], { cwd: join(root, 'sub'), env, stdio: 'pipe' })
  t.ok(existsSync(FIRED))
})

t.test('so nothing of it comes back from a copy', async t => {
  for (const folder of ['', 'sub/', 'a/b/refs/']) {
    const copy = treeOf(...Object.keys(bare).map(path => `${folder}${path}`), `${folder}src/a`)
    const paths = copyChanges(new Map(), copy).map(({ path }) => path)
    t.same(paths, [`${folder}src/a`], folder)
    t.ok(gitDataChanged(new Map(), copy))
  }
})

t.test('also when its parts come one after the other', async t => {
  const before = treeOf('sub/config', 'sub/objects/x', 'sub/refs/x')
  const after = new Map([...before, ['sub/HEAD', file('1')] as const])
  t.same(copyChanges(before, after), [])
  t.same(copyChanges(after, new Map([['sub/config', file('2')]])), [])
})

t.test('what only looks like it is a file as any other', async t => {
  const isGitData = findGitData({
    trees: [treeOf('a/HEAD', 'a/config', 'a/refs/x', 'b/objects/x', 'objects', 'c/commondir')],
  })
  for (const path of ['a/HEAD', 'a/config', 'b/objects/x', 'objects', 'x.git/a']) {
    t.notOk(isGitData(path), path)
  }
  for (const path of ['.git', '.git/config', 'a/.git/HEAD']) t.ok(isGitData(path), path)
})

t.test('new objects and references are commits; a refreshed index and logs are not', async t => {
  const before: Tree = new Map([
    ['.git/HEAD', file('1')],
    ['.git/index', file('1')],
    ['.git/refs/heads/main', file('1')],
    ['src/refs/x', file('1')],
  ])
  const changed = (path: string) => hasNewCommits(before, new Map([...before, [path, file('2')]]))
  for (const path of ['.git/index', '.git/config', 'src/refs/x', 'src/objects/y']) {
    t.notOk(changed(path), path)
  }
  for (const path of [
    '.git/HEAD',
    '.git/objects/ab/cd',
    '.git/refs/heads/main',
    '.git/refs/stash',
    '.git/packed-refs',
    'sub/.git/refs/tags/v1',
  ]) {
    t.ok(changed(path), path)
  }
})
