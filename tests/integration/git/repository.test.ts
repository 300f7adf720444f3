import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  findRepository,
  initRepository,
  objectFormatOf,
  openRepository,
  readHead,
} from '../../../src/git/repository.ts'
import { readTips, removeTips, sessionsOf, writeBase } from '../../../src/git/tips.ts'
import { gitIn } from '../../support/git/repositories.ts'
import { memoryFolder } from '../../support/memory-folder.ts'

// Outside of this checkout, which is a repository itself.
const root = mkdtempSync(join(memoryFolder(), 'repository-'))
t.teardown(() => rmSync(root, { recursive: true }))

function createFolder(name: string) {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  return folder
}

t.test(
  'a folder, its worktree and a repository elsewhere are found with their own HEAD',
  async t => {
    const folder = createFolder('main')
    gitIn(folder, ['init', '--quiet', '--initial-branch=main'])
    const empty = await openRepository(folder)
    t.same(await readHead(empty), { commit: null, branch: 'main' })
    gitIn(folder, ['commit', '--quiet', '--allow-empty', '--message=first'])
    const commit = gitIn(folder, ['rev-parse', 'HEAD']).trim()
    t.same(await readHead(await openRepository(folder)), { commit, branch: 'main' })

    const worktree = join(folder, '../worktree')
    gitIn(folder, ['worktree', 'add', '--quiet', '-b', 'topic', worktree])
    gitIn(worktree, ['commit', '--quiet', '--allow-empty', '--message=second'])
    const linked = await openRepository(worktree)
    t.equal(linked.gitDir, join(folder, '.git'))
    const second = gitIn(worktree, ['rev-parse', 'HEAD']).trim()
    t.same(await readHead(linked), { commit: second, branch: 'topic' })
    gitIn(worktree, ['switch', '--quiet', '--detach'])
    t.same(await readHead(linked), { commit: second, branch: null })
  },
)

t.test('what is not the top of a repository is refused, or none', async t => {
  const folder = createFolder('plain')
  t.equal(await findRepository(folder), null)
  await t.rejects(openRepository(folder), { message: /is not a git repository/ })
  gitIn(folder, ['init', '--quiet'])
  const inner = createFolder('plain/inner')
  await t.rejects(findRepository(inner), { message: /is a part of a repository/ })
  const linked = createFolder('linked')
  symlinkSync(join(folder, '.git'), join(linked, '.git'))
  await t.rejects(findRepository(linked), { message: /\.git is not a folder/ })
})

t.test('a new repository has no hook, and belongs to the owner of its folder', async t => {
  const folder = createFolder('fresh')
  await initRepository(folder)
  const { commit, branch } = await readHead(await openRepository(folder))
  t.same({ commit, branch }, { commit: null, branch: 'main' })
  t.equal(await objectFormatOf(await openRepository(folder)), 'sha1')
  const hooks = join(folder, '.git/hooks')
  t.same(existsSync(hooks) ? readdirSync(hooks) : [], [])
  t.equal(lstatSync(join(folder, '.git')).uid, lstatSync(folder).uid)
})

t.test('the references of a session are made once, listed and removed', async t => {
  const folder = createFolder('refs')
  gitIn(folder, ['init', '--quiet'])
  gitIn(folder, ['commit', '--quiet', '--allow-empty', '--message=first'])
  const base = gitIn(folder, ['rev-parse', 'HEAD']).trim()
  const repository = await openRepository(folder)
  await writeBase(repository, 'one', base)
  await t.rejects(writeBase(repository, 'one', base), { message: /has a session one already/ })
  await writeBase(repository, 'one.two', base)
  t.same([...(await sessionsOf(repository))].sort(), ['one', 'one.two'])
  t.same(await readTips(repository, 'one'), { base, branch: null, head: null })
  await removeTips(repository, 'one')
  t.same([...(await sessionsOf(repository))], ['one.two'])
  t.same(await readTips(repository, 'one'), { base: null, branch: null, head: null })
})
