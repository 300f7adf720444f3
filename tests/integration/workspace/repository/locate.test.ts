import { execFileSync } from 'node:child_process'
import { chown, cp, mkdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { locateRepository } from '../../../../src/workspace/repository/locate.ts'

const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' }
const identity = ['-c', 'user.name=me', '-c', 'user.email=me@host.test']
const git = (cwd: string, ...args: string[]) =>
  execFileSync('git', [...identity, '-c', 'protocol.file.allow=always', ...args], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })

/** A folder with a repository `repo` of one commit. */
async function withRepository(t: Test) {
  const top = await realpath(t.testdir({ repo: { 'a.txt': 'one\n', sub: { 'b.txt': '' } } }))
  const repo = join(top, 'repo')
  git(repo, 'init', '--quiet', '--initial-branch=main')
  git(repo, 'add', '.')
  git(repo, 'commit', '--quiet', '--message=one')
  return { top, repo }
}
const refusal = async (folder: string, forbidden: string[] = []) => {
  const found = await locateRepository(folder, forbidden)
  return found.kind === 'refused' ? found.problem : found.kind
}

t.test('a linked worktree, by an absolute and by a relative path', async t => {
  const { top, repo } = await withRepository(t)
  git(repo, 'worktree', 'add', '--quiet', '../wt')
  const expected = { kind: 'elsewhere', common: join(repo, '.git'), worktree: 'wt' }
  t.same(await locateRepository(join(top, 'wt')), expected)
  await writeFile(join(top, 'wt/.git'), 'gitdir: ../repo/.git/worktrees/wt\n')
  await writeFile(join(repo, '.git/worktrees/wt/gitdir'), '../../../../wt/.git\n')
  t.same(await locateRepository(join(top, 'wt')), expected)
  await writeFile(join(repo, '.git/commondir'), '.')
  t.same(await locateRepository(join(top, 'wt')), expected, 'while a stack runs in the repository')
})

t.test(
  'a submodule, a separate git folder that names it back, and a bare one with worktrees',
  async t => {
    const { top, repo } = await withRepository(t)
    git(top, 'init', '--quiet', 'super')
    git(join(top, 'super'), 'submodule', 'add', '--quiet', repo, 'lib')
    const modules = join(top, 'super/.git/modules/lib')
    const expected = { kind: 'elsewhere', common: modules, worktree: null }
    t.same(await locateRepository(join(top, 'super/lib')), expected)
    await writeFile(join(modules, 'commondir'), '.')
    t.same(await locateRepository(join(top, 'super/lib')), expected, 'while a stack runs above')

    git(top, 'init', '--quiet', '--separate-git-dir=sep.git', 'sep')
    t.equal(await refusal(join(top, 'sep')), 'does not name this folder back')
    const found = await locateRepository(join(top, 'sep'))
    // The hint is for a shell.
    if (found.kind === 'refused')
      execFileSync('sh', ['-c', found.hint.replace(/^.*run /, '')], { env })
    t.same(await locateRepository(join(top, 'sep')), {
      kind: 'elsewhere',
      common: join(top, 'sep.git'),
      worktree: null,
    })

    git(top, 'clone', '--quiet', '--bare', 'repo', 'proj/.bare')
    git(join(top, 'proj/.bare'), 'worktree', 'add', '--quiet', '../main')
    await writeFile(join(top, 'proj/.git'), 'gitdir: ./.bare\n')
    const bare = join(top, 'proj/.bare')
    t.same(await locateRepository(join(top, 'proj/main')), {
      kind: 'elsewhere',
      common: bare,
      worktree: 'main',
    })
    t.same(await locateRepository(join(top, 'proj')), {
      kind: 'elsewhere',
      common: bare,
      worktree: null,
    })
  },
)

t.test('a plain folder, an ordinary repository, and a subfolder of one', async t => {
  const { top, repo } = await withRepository(t)
  await mkdir(join(top, 'plain'))
  t.same(await locateRepository(join(top, 'plain')).then(({ kind }) => kind !== 'elsewhere'), true)
  t.same(await locateRepository(repo), { kind: 'own' })
  t.same(await locateRepository(join(repo, 'sub')), { kind: 'above', top: repo })
  await mkdir(join(repo, 'sub/.git'))
  t.same(
    await locateRepository(join(repo, 'sub')),
    { kind: 'above', top: repo },
    'with an empty .git',
  )
  git(repo, 'worktree', 'add', '--quiet', '../wt')
  t.same(await locateRepository(join(top, 'wt/sub')), { kind: 'above', top: join(top, 'wt') })
})

t.test('a .git file cannot name what does not belong to it', async t => {
  const { top, repo } = await withRepository(t)
  git(repo, 'worktree', 'add', '--quiet', '../wt')
  const evil = join(top, 'evil')
  await mkdir(evil)
  const names = async (path: string) => {
    await writeFile(join(evil, '.git'), `gitdir: ${path}\n`)
    return refusal(evil)
  }
  await mkdir(join(top, 'keys'))
  await writeFile(join(top, 'keys/id_rsa'), 'secret')
  t.equal(await names(join(top, 'keys')), 'is not a repository')
  t.equal(await names('/'), 'is not a repository')
  t.equal(await names('/nonexistent'), 'does not exist')
  t.equal(await names(join(repo, '.git')), 'does not name this folder back')
  t.equal(await names(join(repo, '.git/worktrees/wt')), 'does not name this folder back')
  // An entry of the hostile folder's own, whose commondir leads elsewhere.
  await mkdir(join(evil, 'fake/worktrees/x'), { recursive: true })
  await writeFile(join(evil, 'fake/worktrees/x/HEAD'), 'ref: refs/heads/main\n')
  await writeFile(join(evil, 'fake/worktrees/x/gitdir'), `${evil}/.git\n`)
  await writeFile(join(evil, 'fake/worktrees/x/commondir'), `${repo}/.git\n`)
  t.equal(await names('./fake/worktrees/x'), 'is not a repository')
  // A repository of the hostile folder's own, whose folders are elsewhere.
  await cp(join(repo, '.git'), join(evil, 'own'), { recursive: true })
  await rm(join(evil, 'own/objects'), { recursive: true })
  await symlink(join(top, 'keys'), join(evil, 'own/objects'))
  t.equal(await names('./own'), 'is not a repository')
  // It may be around the folder.
  await rename(join(repo, '.git'), join(repo, 'plain.git'))
  await mkdir(join(repo, 'plain.git/inner'))
  await writeFile(join(repo, 'plain.git/inner/.git'), 'gitdir: ..\n')
  t.equal(await refusal(join(repo, 'plain.git/inner')), 'is around this folder')
})

t.test('a repository of another owner, or with files of claude-secure, is refused', async t => {
  const { top, repo } = await withRepository(t)
  git(repo, 'worktree', 'add', '--quiet', '../wt')
  t.equal(await refusal(join(top, 'wt'), [repo]), 'holds files of claude-secure itself')
  t.equal(
    await refusal(join(top, 'wt'), [join(repo, '.git/x')]),
    'holds files of claude-secure itself',
  )
  t.equal(await refusal(join(top, 'wt'), [join(top, 'other')]), 'elsewhere')
  if (process.getuid?.() !== 0) return
  await chown(join(repo, '.git'), 4242, 4242)
  t.equal(await refusal(join(top, 'wt')), 'belongs to another user')
})
