import { execFileSync } from 'node:child_process'
import { link, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type ProtectedName, protectedNames } from '../../../../src/config/protected-names.ts'
import { arrange } from '../../../../src/workspace/overlay/overlay.ts'
import { planOverlays } from '../../../../src/workspace/overlay/plan.ts'

const none: readonly ProtectedName[] = protectedNames.filter(name => name !== '.git')
type Content = NonNullable<Parameters<typeof t.testdir>[0]>
/** A fixture may not be in another one twice. */
const repository = () => ({
  HEAD: 'ref: refs/heads/main\n',
  config: '[core]\n\trepositoryformatversion = 0\n',
  hooks: {},
})
/** `path` for what is read-only, `path/` for a writable mount point, `?` where a placeholder is due. */
async function planned(folder: string, loosened = none) {
  const overlays = await planOverlays(folder, loosened)
  return overlays.map(
    ({ path, writable, identity }) =>
      `${path}${writable ? '/' : ''}${identity === null ? '?' : ''}`,
  )
}

t.test('a repository: config, hooks, and the folder above them', async t => {
  t.same(await planned(t.testdir({ '.git': repository() })), [
    '.git/',
    '.git/commondir?',
    '.git/config',
    '.git/hooks',
    'commondir?',
  ])
})

t.test('no repository: none can be made, neither as .git nor as the folder itself', async t => {
  t.same(await planned(t.testdir({})), ['.git?', 'commondir?'])
  t.same(await planned(t.testdir({ '.git': {} })), ['.git', 'commondir?'], 'an empty .git is none')
  t.same(await planned(t.testdir({ '.git': 'gitdir: /elsewhere' })), ['.git', 'commondir?'])
})

t.test('a repository elsewhere: the files of the folder that its configuration names', async t => {
  const config = '[core]\n\thooksPath = .githooks\n[include]\n\tpath = ../../w/more\n'
  const folder = t.testdir({
    w: { '.git': 'gitdir: ../repo/.git/worktrees/w\n' },
    repo: {
      '.git': {
        ...{ ...repository(), config, objects: {}, refs: {} },
        worktrees: { w: { HEAD: '', commondir: '../..\n', gitdir: '' } },
      },
    },
  })
  t.same(await planned(join(folder, 'w')), ['.git', '.githooks?', 'commondir?', 'more?'])
})

t.test('a pipe in place of a worktree’s gitdir is refused and read by no start', async t => {
  const git = { ...repository(), worktrees: { one: { HEAD: '' } } }
  const folder = t.testdir({ '.git': git })
  execFileSync('mkfifo', [join(folder, '.git/worktrees/one/gitdir')])
  await t.rejects(planned(folder), {
    message: /worktrees\/one\/gitdir is not a regular file or folder/,
  })
})

t.test('worktrees of the host, submodules at any depth; not what was made inside', async t => {
  const folder = t.testdir({
    '.git': {
      ...repository(),
      worktrees: {
        mine: { commondir: '../..', gitdir: '/home/me/mine/.git' },
        inside: { commondir: '../..', gitdir: '/workspace/inside/.git' },
      },
      modules: { lib: repository(), group: { deep: repository() } },
    },
  })
  const paths = await planned(folder)
  for (const path of [
    '.git/worktrees/',
    '.git/worktrees/mine/',
    '.git/worktrees/mine/commondir',
    '.git/modules/',
    '.git/modules/lib/',
    '.git/modules/lib/config',
    '.git/modules/lib/commondir?',
    '.git/modules/group/',
    '.git/modules/group/deep/hooks',
  ]) {
    t.ok(paths.includes(path), path)
  }
  t.notMatch(paths.join(), /inside/)
})

t.test('nested folders that look like submodules are closed as a whole above a number', async t => {
  const nested = (depth: number): Content =>
    Object.fromEntries(
      Array.from({ length: depth === 0 ? 0 : 20 }, (_, at) => [
        `m${at}`,
        { HEAD: '', modules: nested(depth - 1) },
      ]),
    )
  const folder = t.testdir({ '.git': { ...repository(), modules: nested(2) } })
  const closed = await planned(folder)
  t.ok(closed.length < 1_500, `${closed.length} mounts`)
  t.ok(closed.includes('.git/modules/m0/modules/m19/config?'))
  t.ok(closed.includes('.git/modules/m9/modules'))
})

t.test('what the configuration points to, when it is in the folder', async t => {
  const config = `[core]
\thooksPath = .husky/_
\tfsmonitor = sh ./tools/watch.sh --fast
[include]
\tpath = ../shared.gitconfig
[includeIf "gitdir:/x"]
\tpath = /outside/other
[filter "x"]
\tclean = tools/clean.sh %f
[extensions]
\tworktreeConfig = true
`
  const folder = t.testdir({
    '.git': { ...repository(), config },
    tools: { 'watch.sh': '', 'clean.sh': '' },
    'shared.gitconfig': '[core]\n\tattributesFile = attrs\n',
  })
  const paths = await planned(folder)
  t.same(
    paths.filter(path => !path.startsWith('.git/')),
    [
      '.husky/?',
      '.husky/_?',
      'attrs?',
      'commondir?',
      'shared.gitconfig',
      'tools/',
      'tools/clean.sh',
      'tools/watch.sh',
    ],
  )
  t.ok(paths.includes('.git/config.worktree?'))
})

t.test('a configuration that names the whole folder is refused', async t => {
  const folder = t.testdir({ '.git': { ...repository(), config: '[core]\n\thooksPath = .\n' } })
  await t.rejects(planOverlays(folder, none), {
    message: /core\.hookspath/,
    hint: /PROTECT=-\.git/,
  })
})

t.test('links, pipes and second names are refused, wherever on the way', async t => {
  const folder = t.testdir({ '.git': repository(), real: { 'settings.json': '' }, x: '' })
  const refused = (message: RegExp, name: string) =>
    t.rejects(planOverlays(folder, []), { message, hint: new RegExp(`PROTECT=-\\${name} `) })
  await symlink('/etc', join(folder, '.vscode'))
  await refused(/\.vscode is a symlink/, '.vscode')
  await rm(join(folder, '.vscode'))
  await link(join(folder, 'x'), join(folder, '.envrc'))
  await refused(/\.envrc has a second name/, '.envrc')
  await rm(join(folder, '.envrc'))
  await rm(join(folder, '.git/hooks'), { recursive: true })
  await symlink('../real', join(folder, '.git/hooks'))
  await refused(/\.git\/hooks is a symlink/, '.git')
  await rm(join(folder, '.git'), { recursive: true })
  await symlink('real', join(folder, '.git'))
  await refused(/\.git is a symlink/, '.git')
})

t.test(
  'only folders hold the places of missing settings; files are mounted when they exist',
  async t => {
    const missing = await planned(t.testdir({ '.git': repository() }), [])
    t.same(
      missing.filter(path => !path.startsWith('.git/')),
      ['.claude?', '.devcontainer?', '.envrc?', '.idea?', '.vscode?', 'commondir?'],
    )
    const files = {
      '.devcontainer.json': '',
      '.gitattributes': '',
      '.gitmodules': '',
      '.mcp.json': '',
      'claude-run.config.json': '',
      'claude-sandbox.config.json': '',
      'claude-secure.config.json': '',
    }
    const present = await planned(t.testdir({ '.git': repository(), ...files }), [])
    t.same(
      present.filter(path => path.endsWith('.json')),
      [
        ...['.devcontainer.json', '.mcp.json', 'claude-run.config.json'],
        ...['claude-sandbox.config.json', 'claude-secure.config.json'],
      ],
    )
    t.notMatch(present.join(), /gitattributes|gitmodules/, 'git takes no command from these')
  },
)

t.test('what PROTECT_ALSO names is closed where it exists, at the top only', async t => {
  const folder = t.testdir({ '.tool': {}, 'run.sh': '', sub: { 'run.sh': '' } })
  const overlays = await planOverlays(folder, [...protectedNames], ['.tool', 'run.sh', 'x'])
  t.same(
    overlays.map(({ path, writable }) => [path, writable]),
    [
      ['.tool', false],
      ['run.sh', false],
    ],
  )
  await symlink('run.sh', join(folder, 'x'))
  const error = await planOverlays(folder, [], ['x']).catch(error => error)
  t.match(error, { hint: /remove x from PROTECT_ALSO/ })
})

t.test('a hooks folder of Husky closes the scripts that it runs', async t => {
  const folder = t.testdir({
    '.git': { HEAD: '', config: '[core]\n\thooksPath = .husky/_\n' },
    '.husky': { 'pre-commit': '', _: {} },
  })
  const overlays = await planOverlays(folder, [])
  t.same(
    overlays
      .filter(({ path }) => path.startsWith('.husky'))
      .map(({ path, writable }) => [path, writable]),
    [['.husky', false]],
  )
})

t.test('PROTECT gives up by name', async t => {
  const folder = t.testdir({ '.git': repository() })
  t.same(await planned(folder, [...protectedNames]), [])
  t.same(await planned(folder, ['.git', ...none.filter(name => name !== '.envrc')]), ['.envrc?'])
})

t.test('one that is replaced is another one', async t => {
  const folder = t.testdir({ '.git': repository() })
  const identities = async () =>
    (await planOverlays(folder, none)).find(({ path }) => path === '.git/config')?.identity
  const before = await identities()
  t.equal(await identities(), before)
  // Twice, because the number of the first file is free again for the second.
  for (const _ of [1, 2]) {
    await rm(join(folder, '.git/config'))
    await writeFile(join(folder, '.git/config'), '')
    t.not(await identities(), before)
  }
  await mkdir(join(folder, '.git/modules'), { recursive: true })
})

t.test('nothing is mounted below what is read-only as a whole', async t => {
  const folder = { kind: 'folder' } as const
  const name = '.git'
  const arranged = arrange([
    { path: 'a/b/c', name, placeholder: folder },
    { path: 'a', name, placeholder: folder },
    { path: 'd/e', name, placeholder: folder },
  ])
  t.same(
    arranged.map(({ path, writable }) => [path, writable ?? false]),
    [
      ['a', false],
      ['d', true],
      ['d/e', false],
    ],
  )
})
