import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import { pack } from 'tar-stream'
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
  for await (const item of readCopy(Readable.from(tar, { objectMode: false }), () => ({
    kind: 'memory',
    limit: 1_000_000,
  })))
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
