import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { packRepository } from '../../../../src/workspace/copy/pack-repository.ts'
import { locateRepository } from '../../../../src/workspace/repository/locate.ts'

const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' }
const git = (cwd: string, ...args: string[]) =>
  execFileSync(
    'git',
    ['-c', 'user.name=me', '-c', 'user.email=m@m', '-c', 'protocol.file.allow=always', ...args],
    { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

/** Unpacks the repository of a folder below `copy/.git`, and returns its tree. */
async function unpack(folder: string, copy: string) {
  const located = await locateRepository(folder)
  if (located.kind !== 'elsewhere') throw new Error(located.kind)
  await mkdir(copy)
  const { tar, packed } = packRepository(folder, located, owner)
  const archive = `${copy}.tar`

  const [tree] = await Promise.all([packed, pipeline(tar, createWriteStream(archive))])
  execFileSync('tar', ['-xf', archive, '-C', copy])
  return tree
}

t.test('the copy of a linked worktree has its branch and index, and no other worktree', async t => {
  const top = await realpath(t.testdir({ repo: { 'a.txt': 'one\n' } }))
  const repo = join(top, 'repo')
  git(repo, 'init', '--quiet', '--initial-branch=main')
  git(repo, 'add', '.')
  git(repo, 'commit', '--quiet', '--message=one')
  git(repo, 'worktree', 'add', '--quiet', '-b', 'topic', '../wt')
  const wt = join(top, 'wt')
  await writeFile(join(wt, 'staged.txt'), 'staged\n')
  git(wt, 'add', '.')
  await writeFile(join(repo, 'main.txt'), 'of the main worktree\n')
  git(repo, 'add', '.')
  await writeFile(join(repo, '.git/index.lock'), '')
  await mkdir(join(top, 'keys'))
  await writeFile(join(top, 'keys/id'), 'secret')
  await symlink(join(top, 'keys'), join(repo, '.git/objects/keys'))

  const copy = join(top, 'copy')
  const tree = await unpack(wt, copy)
  const inCopy = (...args: string[]) => git(copy, `--work-tree=${copy}`, ...args)
  inCopy('checkout', '--quiet', '--', 'a.txt', 'staged.txt')
  t.equal(inCopy('status', '--porcelain', '--branch'), '## topic\nA  staged.txt\n')
  t.equal(inCopy('rev-parse', 'main'), git(repo, 'rev-parse', 'main'))
  t.match(inCopy('config', 'core.worktree'), '/workspace\n')
  t.equal(inCopy('worktree', 'list').trim().split('\n').length, 1)
  t.equal(
    [...tree.keys()].some(path => /keys|worktrees|commondir|lock$/.test(path)),
    false,
  )
  for (const [path, entry] of tree) {
    if (entry.type !== 'file') continue
    const sha256 = createHash('sha256').update(await readFile(join(copy, path)))
    if (sha256.digest('hex') !== entry.sha256 && path !== '.git/index') t.fail(path)
  }
})

t.test('the copy of a submodule is a repository of its own', async t => {
  const top = await realpath(t.testdir({ lib: { 'a.txt': 'one\n' }, super: {} }))
  git(join(top, 'lib'), 'init', '--quiet')
  git(join(top, 'lib'), 'add', '.')
  git(join(top, 'lib'), 'commit', '--quiet', '--message=one')
  git(join(top, 'super'), 'init', '--quiet')
  git(join(top, 'super'), 'submodule', 'add', '--quiet', join(top, 'lib'), 'lib')
  const copy = join(top, 'copy')
  await unpack(join(top, 'super/lib'), copy)
  t.equal(git(copy, `--work-tree=${copy}`, 'log', '--format=%s'), 'one\n')
  t.equal(git(copy, `--work-tree=${copy}`, 'remote'), 'origin\n')
})
