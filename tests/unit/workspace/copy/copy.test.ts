import { chmod, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { pack } from 'tar-stream'
import { applyChange, findConflicts } from '../../../../src/workspace/copy/apply.ts'
import {
  type Baseline,
  readBaseline,
  renderBaseline,
} from '../../../../src/workspace/copy/baseline.ts'
import {
  type Change,
  copyChanges,
  sortChanges,
  summarizeIgnored,
} from '../../../../src/workspace/copy/changes.ts'
import type { Entry, Tree } from '../../../../src/workspace/copy/entry.ts'
import { packWorkspace } from '../../../../src/workspace/copy/pack.ts'
import { type CopiedItem, readCopy } from '../../../../src/workspace/copy/unpack.ts'
import { noIgnoreRules } from '../../../../src/workspace/ignore/rules.ts'

const owner = { uid: 1000, gid: 1000 }

/** The engine gives a folder back with its own name before each path. */
async function roundTrip(root: string): Promise<{ tree: Tree; items: CopiedItem[] }> {
  const { tar, packed } = packWorkspace(root, owner)
  const renamed = pack()
  const { extract } = await import('tar-stream')
  const entries = extract()
  tar.pipe(entries)
  const moved = (async () => {
    for await (const entry of entries) {
      const chunks: Buffer[] = []
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk)
      t.match(entry.header, owner)
      renamed.entry(
        { ...entry.header, name: `workspace/${entry.header.name}` },
        Buffer.concat(chunks),
      )
    }
    renamed.finalize()
  })()
  const items = await collect(renamed)
  await moved
  return { tree: (await packed).tree, items }
}

async function collect(tar: AsyncIterable<unknown>) {
  const items: CopiedItem[] = []
  for await (const item of readCopy(Readable.from(tar, { objectMode: false }), () => true))
    items.push(item)
  return items
}

t.test('what is copied in comes out as the same tree', async t => {
  const root = t.testdir({
    'a.txt': 'hello',
    empty: '',
    folder: { 'run.sh': '#!/bin/sh', deep: { x: 'y'.repeat(300_000) } },
    '.git': { config: '[core]' },
    link: t.fixture('symlink', 'a.txt'),
  })
  await chmod(join(root, 'folder/run.sh'), 0o755)
  const { tree, items } = await roundTrip(root)
  t.same([...tree.keys()].sort(), [
    '.git/config',
    'a.txt',
    'empty',
    'folder/deep/x',
    'folder/run.sh',
    'link',
  ])
  t.same(copyChanges(tree, new Map(items.map(({ path, entry }) => [path, entry]))), [])
  t.equal(items.find(({ path }) => path === 'a.txt')?.content?.toString(), 'hello')
  t.match(tree.get('folder/run.sh'), { executable: true })
  t.same(tree.get('link'), { type: 'link', target: 'a.txt' })
})

t.test('what holds our secrets is left out of a copy', async t => {
  const root = t.testdir({
    tool: { '.env': 'KEY=secret', 'claude.ts': '' },
    state: { stacks: { a: 'secret' } },
  })
  const secrets = [join(root, 'tool/.env'), join(root, 'state/stacks')]
  const { tar, packed } = packWorkspace(root, owner, {
    isSecret: path => secrets.includes(path),
  })
  let bytes = ''
  for await (const chunk of tar as AsyncIterable<Buffer>) bytes += chunk.toString('latin1')
  const { tree, leftOut } = await packed
  t.same([...tree.keys()], ['tool/claude.ts'])
  t.same([...leftOut].sort(), ['state/stacks/', 'tool/.env'])
  t.notMatch(bytes, /secret/)
})

t.test('a baseline survives being written and read; a damaged one is an error', async t => {
  const root = t.testdir({ 'a.txt': 'hello' })
  const { tree } = await roundTrip(root)
  const path = join(t.testdir({}), 'baseline.json')
  t.equal(await readBaseline(path), null)
  const baseline: Baseline = {
    taken: '2026-01-01T00:00:00Z',
    tree,
    leftOut: ['node_modules/'],
    rules: {
      excludes: ['*.log'],
      files: [{ folder: '', prefix: '', text: 'node_modules/' }],
      repositories: ['sub'],
      user: '*~',
    },
  }
  await writeFile(path, renderBaseline(baseline))
  t.same(await readBaseline(path), baseline)
  const { taken } = baseline
  await writeFile(path, JSON.stringify({ version: 1, taken, entries: [...tree] }))
  t.same(await readBaseline(path), { taken, tree, leftOut: [], rules: noIgnoreRules }, 'an old one')
  await writeFile(path, '{"version":1')
  await t.rejects(readBaseline(path), { message: /is damaged/ })
})

const nothingLeftOut = { rules: noIgnoreRules, leftOut: [] }

const file = (sha256: string, executable = false): Entry => ({
  type: 'file',
  sha256,
  executable,
  size: 1,
})

t.test('changes are told by content, mode and kind; the data of git is not among them', async t => {
  const before: Tree = new Map<string, Entry>([
    ['same', file('1')],
    ['edited', file('1')],
    ['mode', file('1')],
    ['gone', file('1')],
    ['.git/index', file('1')],
    ['nested/.git/config', file('1')],
  ])
  const after: Tree = new Map<string, Entry>([
    ['same', file('1')],
    ['edited', file('2')],
    ['mode', file('1', true)],
    ['new', { type: 'link', target: 'same' }],
    ['.git/hooks/pre-commit', file('3')],
  ])
  t.same(
    copyChanges(before, after).map(({ kind, path }) => `${kind} ${path}`),
    ['modified edited', 'deleted gone', 'modified mode', 'added new'],
  )
})

t.test('what the host would run is withheld', async t => {
  const paths = [
    '.envrc',
    '.vscode/tasks.json',
    'sub/.idea/x',
    '.mcp.json',
    '.claude/settings.local.json',
    '.gitattributes',
    '.GitModules',
    '.devcontainer/devcontainer.json',
    '.husky/pre-commit',
    'src/a.ts',
    '.claude/commands/x.md',
  ]
  const changes = paths.map((path): Change => ({ path, kind: 'added', after: file('1') }))
  const names = (list: readonly Change[]) => list.map(({ path }) => path)
  const sorted = sortChanges(changes, nothingLeftOut)
  t.same(names(sorted.applicable), ['src/a.ts', '.claude/commands/x.md'])
  const asked = sortChanges(changes, nothingLeftOut, { include: ['.vscode', '.gitmodules'] })
  t.same(
    names(asked.applicable),
    ['.vscode/tasks.json', '.GitModules', 'src/a.ts', '.claude/commands/x.md'],
    'unless it is named',
  )
  const here = sortChanges(changes, nothingLeftOut, { paths: ['sub', '.claude'] })
  t.same(names(here.applicable), ['.claude/commands/x.md'])
  t.same(names(here.withheld), ['sub/.idea/x', '.claude/settings.local.json'])
})

t.test('what is new where files were left out stays in the copy, unless it is named', async t => {
  const rules = {
    ...noIgnoreRules,
    excludes: ['secret.txt'],
    files: [{ folder: '', prefix: '', text: 'node_modules/\n*.log\n' }],
  }
  const baseline = { rules, leftOut: ['.env', 'state/'] }
  const added = (path: string): Change => ({ path, kind: 'added', after: file('1') })
  const changes = [
    added('.env'),
    added('state/x'),
    added('node_modules/a/b.js'),
    added('node_modules/c.js'),
    added('sub/node_modules/d.js'),
    added('x.log'),
    added('secret.txt'),
    added('src/a.ts'),
    { ...added('tracked.log'), kind: 'modified' as const },
  ]
  const names = (list: readonly Change[]) => list.map(({ path }) => path)
  const { applicable, ignored } = sortChanges(changes, baseline)
  t.same(names(applicable), ['src/a.ts', 'tracked.log'], 'a file of the copy is none of those')
  t.same(summarizeIgnored(ignored, baseline), [
    { path: '.env', files: 1 },
    { path: 'state/x', files: 1 },
    { path: 'node_modules/', files: 2 },
    { path: 'sub/node_modules/', files: 1 },
    { path: 'x.log', files: 1 },
    { path: 'secret.txt', files: 1 },
  ])
  const named = sortChanges(changes, baseline, { paths: ['.env', 'sub/node_modules'] })
  t.same(names(named.applicable), ['.env', 'sub/node_modules/d.js'])
})

t.test('entries that could leave the folder, devices and pipes are passed over', async t => {
  const tar = pack()
  for (const name of [
    'workspace/../etc/passwd',
    'workspace//etc/x',
    '/etc/x',
    'workspace/a/../../b',
    'workspace/./c',
    'other',
  ]) {
    tar.entry({ name }, 'x')
  }
  tar.entry({ name: 'workspace/fifo', type: 'fifo' })
  tar.entry({ name: 'workspace/device', type: 'character-device' })
  tar.entry({ name: 'workspace/hard', type: 'link', linkname: '/etc/shadow' })
  tar.entry({ name: 'workspace/good' }, 'x')
  tar.entry({ name: 'workspace/again', type: 'link', linkname: 'workspace/good' })
  tar.finalize()
  t.same(
    (await collect(tar)).map(({ path }) => path),
    ['good', 'again'],
  )
})

async function applied(t: Test, root: string, change: Change, content = 'new') {
  const backup = join(t.testdirName, 'backup')
  await applyChange(root, change, Buffer.from(content), backup)
  return backup
}

t.test('a change is written, the file before it is kept', async t => {
  const root = t.testdir({ root: { 'a.txt': 'old' } })
  const backup = await applied(t, join(root, 'root'), {
    path: 'a.txt',
    kind: 'modified',
    after: file('1', true),
  })
  t.equal(await readFile(join(root, 'root/a.txt'), 'utf8'), 'new')
  t.equal((await lstat(join(root, 'root/a.txt'))).mode & 0o7777, 0o755)
  t.equal(await readFile(join(backup, 'a.txt'), 'utf8'), 'old')
})

t.test('new folders are made, deleted files are removed', async t => {
  const root = join(t.testdir({ root: { old: 'x' } }), 'root')
  await applied(t, root, { path: 'x/y/z', kind: 'added', after: file('1') })
  t.equal(await readFile(join(root, 'x/y/z'), 'utf8'), 'new')
  await applied(t, root, { path: 'old', kind: 'deleted' })
  await t.rejects(lstat(join(root, 'old')), { code: 'ENOENT' })
})

t.test('nothing is written through a symbolic link', async t => {
  const root = t.testdir({ outside: { 'a.txt': 'safe' }, root: {} })
  await symlink(join(root, 'outside'), join(root, 'root/folder'))
  await symlink(join(root, 'outside/a.txt'), join(root, 'root/file'))
  await t.rejects(
    applied(t, join(root, 'root'), { path: 'folder/a.txt', kind: 'added', after: file('1') }),
    {
      message: /folder is no folder here/,
    },
  )
  await applied(t, join(root, 'root'), { path: 'file', kind: 'modified', after: file('1') })
  t.equal(await readFile(join(root, 'outside/a.txt'), 'utf8'), 'safe')
  t.ok((await lstat(join(root, 'root/file'))).isFile(), 'the link itself was replaced')
})

t.test('links may point inside the workspace only', async t => {
  const root = t.testdir({})
  const link = (target: string): Change => ({
    path: 'a/l',
    kind: 'added',
    after: { type: 'link', target },
  })
  for (const target of ['/etc/passwd', '../../x', '../a/../../x']) {
    await t.rejects(applied(t, root, link(target)), { message: /outside the workspace/ }, target)
  }
  await applied(t, root, link('../b'))
  t.equal(await readlink(join(root, 'a/l')), '../b')
})

t.test('paths out of the workspace are refused once more at the door to the host', async t => {
  const root = t.testdir({})
  for (const path of ['../x', '/etc/x', 'a/../../x', 'a\0b', '']) {
    await t.rejects(
      applied(t, root, { path, kind: 'added', after: file('1') }),
      { name: 'UserError' },
      path,
    )
  }
})

t.test('a conflict is a change on both sides to different content', async t => {
  const root = t.testdir({
    theirs: 'x',
    mine: 'changed here',
    both: 'changed here',
    fresh: 'made here',
  })
  await mkdir(join(root, 'sub'))
  const { tree } = await roundTrip(root)
  const now = (path: string) => tree.get(path)
  const changes: Change[] = [
    { path: 'theirs', kind: 'modified', before: now('theirs'), after: file('9') },
    { path: 'both', kind: 'modified', before: file('8'), after: file('9') },
    { path: 'fresh', kind: 'added', after: file('9') },
    { path: 'mine', kind: 'modified', before: file('8'), after: now('mine') },
    { path: 'new', kind: 'added', after: file('9') },
  ]
  t.same(await findConflicts(root, changes), ['both', 'fresh'])
})
