import { access, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  clearRepository,
  lostRepositoryMounts,
  prepareRepository,
  repositoryMounts,
} from '../../../src/stack/repository.ts'
import { makeStateFolder, stateFolder } from '../../../src/stack/state/state-folder.ts'

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const settings = { PROTECT: 'all' }
const there = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

t.test(
  'two worktrees of one repository share placeholders; the last to stop removes them',
  async t => {
    const entry = (name: string) => ({ HEAD: 'ref', commondir: '../..', gitdir: `${name}\n` })
    const top = t.testdir({
      a: { '.git': 'gitdir: ../repo/.git/worktrees/a\n' },
      b: { '.git': 'gitdir: ../repo/.git/worktrees/b\n' },
      repo: {
        '.git': {
          ...{ HEAD: 'ref', config: '', hooks: {}, objects: {}, refs: {} },
          worktrees: { a: entry('../../../../a/.git'), b: entry('../../../../b/.git') },
        },
      },
      state: {},
    })
    const open = async (name: string) => {
      const state = stateFolder(`claude-secure-${name}`, join(top, 'state'))
      await makeStateFolder(state)
      const workspace = { path: join(top, name), agent: owner, mode: 'mount' as const }
      const plan = await prepareRepository(workspace, { forbidden: [], settings }, state)
      return { state, plan }
    }
    const git = join(top, 'repo/.git')
    const a = await open('a')
    const b = await open('b')
    t.ok(a.plan && b.plan)
    t.equal(await readFile(join(git, 'commondir'), 'utf8'), '.')
    await clearRepository(a.state)
    t.equal(await there(join(git, 'commondir')), true, 'it is under a mount of the other')
    t.equal(await there(join(git, 'worktrees/a/modules')), false)
    t.same(await lostRepositoryMounts(b.state), [])
    await writeFile(join(git, 'config.new'), '')
    await rename(join(git, 'config.new'), join(git, 'config'))
    t.same(await lostRepositoryMounts(b.state), [join(git, 'config')], 'git config replaces it')
    await clearRepository(b.state)
    for (const path of ['commondir', 'modules', 'worktrees/b/modules']) {
      t.equal(await there(join(git, path)), false, path)
    }
  },
)

t.test(
  'generated files cover those with paths of the host, and git need not renew them',
  async t => {
    const top = t.testdir({
      lib: { '.git': 'gitdir: ../modules/lib\n' },
      modules: {
        lib: {
          HEAD: 'ref',
          config: '[core]\n\tworktree = ../../lib\n',
          objects: {},
          refs: {},
          hooks: {},
        },
      },
      state: {},
    })
    const state = stateFolder('claude-secure-lib', join(top, 'state'))
    await makeStateFolder(state)
    const workspace = { path: join(top, 'lib'), agent: owner, mode: 'mount' as const }
    const plan = await prepareRepository(workspace, { forbidden: [], settings }, state)
    if (!plan) throw new Error('there is no plan')
    const mounts = repositoryMounts(plan, state)
    t.equal(new Set(mounts.map(({ target }) => target)).size, mounts.length, 'no target twice')
    const config = mounts.find(({ target }) => target === '/workspace.git/config')
    t.match(config, { source: join(state.path, 'repository/config'), writable: false })
    t.match(await readFile(config?.source ?? '', 'utf8'), /worktree = "\/workspace"\n$/)
    const pointer = mounts.find(({ target }) => target === '/workspace/.git')
    t.ok((await stat(pointer?.source ?? '')).mtimeMs > Date.now() + 365 * 24 * 3_600_000)
    t.same(
      await prepareRepository(workspace, { forbidden: [join(top, 'modules')], settings }, state),
      null,
    )
  },
)
