/** Every shape in which the host's git takes a folder for a repository and runs its configuration (H5). */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import {
  copyChanges,
  newRepositories,
  sortChanges,
} from '../../../../src/workspace/copy/changes.ts'
import type { Entry, Tree } from '../../../../src/workspace/copy/entry.ts'
import { compareHostFiles } from '../../../../src/workspace/host-files/changes.ts'
import { scanHostFiles } from '../../../../src/workspace/host-files/scan.ts'
import { noIgnoreRules } from '../../../../src/workspace/ignore/rules.ts'

const config = (worktree: string) =>
  `[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = ${worktree}\n\tfsmonitor = "touch $FIRED; false"\n`
const head = 'ref: refs/heads/main\n'

/** Content by path; `link:` makes a symlink. `at`: the folder in which a user runs `git status`. */
type Shape = { at: string; files: Record<string, string>; told: RegExp }

const shapes: Record<string, Shape> = {
  'a bare repository': {
    at: 'sub',
    files: {
      'sub/HEAD': head,
      'sub/config': config('../work'),
      'sub/objects/x': '',
      'sub/refs/x': '',
    },
    told: /^sub\/config new$/m,
  },
  'HEAD and commondir, with the configuration in another folder': {
    at: 'w',
    files: {
      'w/HEAD': head,
      'w/commondir': '../c\n',
      'w/config.worktree': '[core]\n\tbare = false\n\tworktree = ../work\n',
      'c/config': `${config('../work')}[extensions]\n\tworktreeConfig = true\n`,
      'c/objects/x': '',
      'c/refs/x': '',
    },
    told: /^c\/config new$[\s\S]*^w\/commondir new$[\s\S]*^w\/config.worktree new$/m,
  },
  'a detached HEAD, and objects and refs that are programs': {
    at: 'sub',
    files: {
      'sub/HEAD': `${'1'.repeat(40)}\n`,
      'sub/config': config('../work'),
      'sub/objects': 'x:',
      'sub/refs': 'x:',
    },
    told: /^sub\/config new$/m,
  },
  'a HEAD that is a symlink, and objects and refs that are': {
    at: 'sub',
    files: {
      'sub/HEAD': 'link:refs/heads/main',
      'sub/config': config('../work'),
      'sub/objects': 'link:../src',
      'sub/refs': 'link:../src',
      'src/a': '',
    },
    told: /^sub\/config new$/m,
  },
  'a configuration that is a symlink': {
    at: 'sub',
    files: {
      'sub/HEAD': head,
      'sub/config': 'link:../settings',
      settings: config('../work'),
      'sub/objects/x': '',
      'sub/refs/x': '',
    },
    told: /^sub\/config new$/m,
  },
  'a file .git that names another folder': {
    at: 'w',
    files: {
      'w/.git': 'gitdir: ../c\n',
      'c/HEAD': head,
      'c/config': config('../work'),
      'c/objects/x': '',
      'c/refs/x': '',
    },
    told: /^c\/config new$[\s\S]*^w\/\.git new$/m,
  },
  'a link .git': {
    at: 'w',
    files: {
      'w/.git': 'link:../c',
      'c/HEAD': head,
      'c/commondir': '../d',
      'c/config.worktree': '[core]\n\tbare = false\n\tworktree = ../work\n',
      'd/config': `${config('../work')}[extensions]\n\tworktreeConfig = true\n`,
      'd/objects/x': '',
      'd/refs/x': '',
    },
    told: /^c\/commondir new$[\s\S]*^w\/\.git new$/m,
  },
}

function write(root: string, files: Iterable<readonly [string, string]>) {
  for (const [path, content] of files) {
    const full = join(root, path)
    mkdirSync(dirname(full), { recursive: true })
    if (content.startsWith('link:')) symlinkSync(content.slice(5), full)
    else writeFileSync(full, content, { mode: content === 'x:' ? 0o755 : 0o644 })
  }
}

function treeOf(files: Record<string, string>): Tree {
  const entry = (content: string): Entry =>
    content.startsWith('link:')
      ? { type: 'link', target: content.slice(5) }
      : { type: 'file', sha256: content, executable: content === 'x:', size: 1 }
  return new Map(Object.entries(files).map(([path, content]) => [path, entry(content)]))
}

/** Runs the host's git as a shell prompt does, and returns whether the command of the agent ran. */
function fires(root: string, at: string): boolean {
  const FIRED = join(root, '../fired')
  rmSync(FIRED, { force: true })
  mkdirSync(join(root, 'work'), { recursive: true })
  mkdirSync(join(root, at), { recursive: true })
  const env = { ...process.env, FIRED, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }
  spawnSync('git', ['status'], {
    cwd: join(root, at),
    env: { ...env, GIT_CEILING_DIRECTORIES: root },
  })
  return existsSync(FIRED)
}

for (const [name, { at, files, told }] of Object.entries(shapes)) {
  t.test(`${name}: it does not come back from a copy`, async t => {
    const root = t.testdir({ whole: {}, applied: {} })
    write(join(root, 'whole'), Object.entries(files))
    t.ok(fires(join(root, 'whole'), at), 'as a whole, git on the host runs its command')
    const tree = treeOf(files)
    const changes = copyChanges(new Map(), tree)
    const { applicable } = sortChanges(changes, { rules: noIgnoreRules, leftOut: [] })
    write(
      join(root, 'applied'),
      applicable.map(({ path }) => [path, files[path] ?? ''] as const),
    )
    t.notOk(fires(join(root, 'applied'), at), 'of what is applied, it runs nothing')
  })

  t.test(`${name}: it is told in a mounted folder`, async t => {
    const root = join(t.testdir({ mounted: {} }), 'mounted')
    const before = await scanHostFiles(root)
    write(root, Object.entries(files))
    const lines = compareHostFiles(before, await scanHostFiles(root)).map(
      ({ path, kind }) => `${path} ${kind}`,
    )
    t.match(lines.join('\n'), told)
  })
}

t.test('parts of a repository that the copy left out count too', async t => {
  const part = treeOf({ 'sub/config': '' })
  const paths = copyChanges(new Map(), part, ['sub/HEAD', 'sub/objects/', 'sub/refs/'])
  t.same(paths, [])
})

t.test('on a file system that folds case, the parts may differ in it', async t => {
  const copy = treeOf({ 'Sub/Head': '', 'sub/COMMONDIR': '', 'SUB/config': '', 'sub/a': '' })
  t.same(
    copyChanges(new Map(), copy).map(({ path }) => path),
    ['sub/a'],
  )
  t.same(newRepositories({ tree: new Map(), leftOut: [] }, copy), ['sub'])
  t.same(newRepositories({ tree: copy, leftOut: [] }, copy), [], 'one that was there is not new')
})

t.test('a folder that looks like a repository hides no other file of it', async t => {
  const root = t.testdir({ sub: { Makefile: 'all:' } })
  const before = await scanHostFiles(root)
  write(root, [
    ['sub/HEAD', head],
    ['sub/objects/x', ''],
    ['sub/refs/x', ''],
    ['sub/hooks/deep/HEAD', head],
    ['sub/hooks/deep/commondir', '../..'],
    ['sub/info/HEAD', head],
    ['sub/info/commondir', '../../c'],
    ['sub/Makefile', 'all: evil'],
    ['sub/objects/Makefile', ''],
  ])
  const lines = compareHostFiles(before, await scanHostFiles(root)).map(
    ({ path, kind }) => `${path} ${kind}`,
  )
  t.same(lines, [
    'sub/Makefile changed',
    'sub/hooks/deep/HEAD new',
    'sub/hooks/deep/commondir new',
    'sub/info/commondir new',
    'sub/objects/Makefile new',
  ])
})

t.test(
  'a link in the place of hooks is told, and a submodule with a slash in its name',
  async t => {
    const repository = () => ({ HEAD: head, objects: {}, refs: {}, hooks: {} })
    const root = t.testdir({
      sub: { '.git': { ...repository(), modules: { libs: { x: repository() } } } },
    })
    rmSync(join(root, 'sub/.git/hooks'), { recursive: true })
    const before = await scanHostFiles(root)
    write(root, [
      ['sub/.git/hooks', 'link:../evil'],
      ['sub/.git/modules/libs/x/hooks/post-checkout', ''],
    ])
    const lines = compareHostFiles(before, await scanHostFiles(root)).map(
      ({ path, kind }) => `${path} ${kind}`,
    )
    t.same(lines, ['sub/.git/hooks new', 'sub/.git/modules/libs/x/hooks/post-checkout new'])
  },
)
