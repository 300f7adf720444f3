/** What a copy takes, compared with what git itself says, over made-up repositories. */
import { cpSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { walkHost } from '../../../../src/workspace/copy/read-host.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'
import { repetitions } from '../../../support/soak.ts'
import { must } from '../../../support/stack/process.ts'

const git = (root: string, args: readonly string[]) =>
  must('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOME: root, GIT_CONFIG_NOSYSTEM: '1' },
  })

async function taken(root: string, selection: Parameters<typeof walkHost>[1] = {}) {
  const paths: string[] = []
  for await (const item of walkHost(root, selection).items) {
    if (item.kind === 'file' && !/(^|\/)\.git\//.test(item.path)) paths.push(item.path)
  }
  return paths.sort()
}

/** Tracked files that are there, and untracked ones that are not ignored. */
async function byGit(root: string, cwd = root) {
  const listed = await git(cwd, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  return [...new Set(listed.split('\0').filter(Boolean))].sort()
}

async function scratch(t: Test) {
  const root = await mkdtemp(join(memoryFolder(), 'claude-secure-ignore-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  return root
}

/** Copied for each repository, which is faster than to start git. */
const empty = await scratch(t)
await git(empty, ['init', '--quiet', '--template='])

async function repository(t: Test, files: Record<string, string>) {
  const root = await scratch(t)
  cpSync(empty, root, { recursive: true })
  await write(root, files)
  return root
}

async function write(root: string, files: Record<string, string>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
}

/** A generator of its own: a failure names the seed, which plays it again. */
function dice(seed: number) {
  let state = seed
  const next = () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return state / 2147483648
  }
  return {
    chance: (of: number) => next() < of,
    pick: <T>(of: readonly T[]) => of[Math.floor(next() * of.length)] as T,
  }
}

const words = ['a', 'b', 'ab', 'build', 'x.log', 'y.log', '.env', 'b c', 'a[1]', '!odd', '#hash']
const lines = [
  ...['a', 'build/', '/build', '*.log', '!x.log', 'a/b', 'a/*', '/a/**', '**/b', 'a/**/b', '!a/b'],
  ...['[ab]', '[!a]b', '?', '??', '*', '!*/', '!build/', '.env', '.*', 'b\\ c', 'b c  ', '\\!odd'],
  ...['\\#hash', '# a comment', '', '  ', 'a[[]1]', 'a\\[1\\]', '**', '**/', '/*', '!/a', 'ab/'],
  ...['[a-b].log', '[[:alpha:]].log', '[', 'a\\', 'x**', '**x', 'a**b', '/', '!', 'build/**', 'a/'],
  ...['*/b', '/**/x.log', 'a//b', '!**/x.log', '[]]', '[!]]', 'x.log\r', '!x.log   ', 'a/**/'],
]

t.test('made-up repositories: the same files as git', async t => {
  const count = Number(process.env.IGNORE_ROUNDS ?? repetitions({ short: 20, full: 60 }))
  const first = Number(process.env.IGNORE_SEED ?? 1)
  for (let seed = first; seed < first + count; seed++) {
    const { chance, pick } = dice(seed * 7919)
    const files: Record<string, string> = {}
    for (let file = 0; file < 25; file++) {
      const parts = [
        pick(words),
        ...(chance(0.7) ? [pick(words)] : []),
        ...(chance(0.4) ? [pick(words)] : []),
      ]
      const path = parts.join('/')
      const clash = Object.keys(files).some(
        known => known.startsWith(`${path}/`) || path.startsWith(`${known}/`),
      )
      if (!clash) files[path] = 'x'
    }
    const root = await repository(t, files)
    const some = () => Array.from({ length: 5 }, () => pick(lines)).join('\n')
    const tracked = Object.keys(files).filter(() => chance(0.15))
    if (tracked.length > 0)
      await git(root, ['--literal-pathspecs', 'add', '--force', '--', ...tracked])
    const folders = ['', ...new Set(Object.keys(files).map(dirname))].filter(() => chance(0.5))
    const ignore = Object.fromEntries(
      folders.map(folder => [join(folder, '.gitignore'), `${some()}\n`]),
    )
    await write(root, { ...ignore, '.git/info/exclude': some() })
    t.same(await taken(root), await byGit(root), `seed ${seed}: ${JSON.stringify(ignore)}`)
  }
})

t.test('index versions 2 and 4, and a repository of SHA-256', async t => {
  for (const [version, format] of [
    [2, 'sha1'],
    [4, 'sha1'],
    [4, 'sha256'],
    [2, 'sha256'],
  ] as const) {
    const root = await scratch(t)
    await git(root, ['init', '--quiet', `--object-format=${format}`])
    const names = Array.from({ length: 40 }, (_, at) => `kept/${'n'.repeat(at)}${at}.log`)
    await write(root, { '.gitignore': '*.log\n', 'lost.log': '' })
    await write(root, Object.fromEntries(names.map(name => [name, 'x'])))
    await git(root, ['update-index', '--index-version', String(version)])
    await git(root, ['add', '--force', 'kept'])
    await git(root, ['add', '--intent-to-add', '.gitignore'])
    t.same(await taken(root), ['.gitignore', ...names].sort(), `${format}, version ${version}`)
  }
})

t.test('a folder inside a repository goes by what is above it', async t => {
  const root = await repository(t, {
    '.gitignore': '*.log\n/packages/app/out\n',
    'packages/.gitignore': 'app/tmp\n',
    'packages/app/a.ts': '',
    'packages/app/a.log': '',
    'packages/app/kept.log': '',
    'packages/app/out/x': '',
    'packages/app/tmp/x': '',
    'packages/app/sub/out/x': '',
  })
  await git(root, ['add', '--force', 'packages/app/kept.log'])
  const app = join(root, 'packages/app')
  t.same(await taken(app), ['a.ts', 'kept.log', 'sub/out/x'])
  t.same(await taken(app), await byGit(root, app))
})

t.test('a repository inside another goes by its own', async t => {
  const root = await repository(t, { '.gitignore': '*.log\nskip/\n', 'skip/x': '' })
  await mkdir(join(root, 'inner'))
  await git(join(root, 'inner'), ['init', '--quiet'])
  await write(root, { 'inner/a.log': '', 'inner/b.tmp': '', 'inner/.gitignore': '*.tmp\n' })
  t.same(await taken(root), ['.gitignore', 'inner/.gitignore', 'inner/a.log'])
})

t.test('without a repository .gitignore counts as well, and nothing is tracked', async t => {
  const root = t.testdir({ '.gitignore': 'node_modules/\n', node_modules: { a: '' }, b: '' })
  t.same(await taken(root), ['.gitignore', 'b'])
})

t.test('--exclude goes before all, also for tracked files; ! takes ignored ones along', async t => {
  const root = await repository(t, {
    '.gitignore': '.env\nnode_modules/\n*.map\ndist/\n',
    '.env': '',
    'sub/.env': '',
    'data/big.bin': '',
    'a.ts': '',
    'node_modules/x/index.js': '',
    'node_modules/x/index.js.map': '',
    'node_modules/x/.env': '',
    'dist/one/keep.js': '',
    'dist/two.js': '',
  })
  await git(root, ['add', 'data'])
  const given = (...excludes: string[]) => taken(root, { excludes })
  t.same(await given('/data/'), ['.gitignore', 'a.ts'])
  t.same(await given('/data/', '!/.env'), ['.env', '.gitignore', 'a.ts'])
  t.same(
    await given('data', '!.env'),
    ['.env', '.gitignore', 'a.ts', 'sub/.env'],
    'a name does not open folders that are ignored',
  )
  t.same(
    await given('data', '!node_modules', '*.map'),
    ['.gitignore', 'a.ts', 'node_modules/x/.env', 'node_modules/x/index.js'],
    'a folder is taken whole',
  )
  t.same(await given('data', '!dist/one'), ['.gitignore', 'a.ts', 'dist/one/keep.js'])
  t.same(await given('*', '!a.ts'), ['a.ts'], 'a later pattern takes back an earlier one')
})

t.test('the file of the user counts last', async t => {
  const root = await repository(t, { '.gitignore': '!kept~\n', 'a~': '', 'kept~': '', b: '' })
  t.same(await taken(root, { userIgnore: '*~\n' }), ['.gitignore', 'b', 'kept~'])
})
