import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  planRepository,
  renderRepositoryConfig,
} from '../../../../src/workspace/repository/plan.ts'

const repository = (config = '') => ({ HEAD: '', config, hooks: {}, objects: {}, refs: {} })
const entry = { HEAD: '', commondir: '../..', gitdir: '/w/.git' }
/** `path` for what is read-only, `path/` for a writable mount, `?` where a placeholder is due. */
const targets = ({ mounts }: Awaited<ReturnType<typeof planRepository>>) =>
  mounts.map(
    ({ target, writable, identity }) =>
      `${target}${writable ? '/' : ''}${identity === null ? '?' : ''}`,
  )

t.test('a linked worktree: the repository and its own entry are writable', async t => {
  const folder = t.testdir({
    w: {},
    repo: {
      '.git': {
        ...repository(),
        worktrees: {
          w: entry,
          other: { ...entry },
          ofTheAgent: { ...entry, gitdir: '/home/claude/x/.git\n' },
        },
      },
    },
  })
  const at = { kind: 'elsewhere', common: join(folder, 'repo/.git'), worktree: 'w' } as const
  const plan = await planRepository(join(folder, 'w'), at, { loosened: false })
  t.same(targets(plan), [
    '/workspace.git/',
    '/workspace.git/commondir?',
    '/workspace.git/config',
    '/workspace.git/hooks',
    '/workspace.git/modules?',
    '/workspace.git/worktrees/',
    '/workspace.git/worktrees/other',
    '/workspace.git/worktrees/w/',
    '/workspace.git/worktrees/w/modules?',
  ])
  t.same(plan.files, [
    { name: 'git-file', target: '/workspace/.git', text: 'gitdir: /workspace.git/worktrees/w\n' },
    { name: 'git-dir', target: '/workspace.git/worktrees/w/gitdir', text: '/workspace/.git\n' },
    { name: 'git-common', target: '/workspace.git/worktrees/w/commondir', text: '../..\n' },
  ])
  t.equal(plan.config, null)
  const loosened = await planRepository(join(folder, 'w'), at, { loosened: true })
  t.same(targets(loosened), [
    '/workspace.git/',
    '/workspace.git/worktrees/',
    '/workspace.git/worktrees/w/',
  ])
})

t.test('with extensions.worktreeConfig, no worktree gets a configuration of the agent', async t => {
  const config = '[extensions]\n\tworktreeConfig = true\n'
  const folder = t.testdir({
    w: {},
    repo: { '.git': { ...repository(config), worktrees: { w: entry } } },
  })
  const at = { kind: 'elsewhere', common: join(folder, 'repo/.git'), worktree: 'w' } as const
  const planned = targets(await planRepository(join(folder, 'w'), at, { loosened: false }))
  t.ok(planned.includes('/workspace.git/config.worktree?'))
  t.ok(planned.includes('/workspace.git/worktrees/w/config.worktree?'))
})

t.test('more worktrees than mounts: all are read-only, but for the own one', async t => {
  const others = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`o${at}`, { HEAD: '' }]))
  const folder = t.testdir({
    w: {},
    repo: { '.git': { ...repository(), worktrees: { w: entry, ...others } } },
  })
  const at = { kind: 'elsewhere', common: join(folder, 'repo/.git'), worktree: 'w' } as const
  const planned = targets(await planRepository(join(folder, 'w'), at, { loosened: false }))
  t.ok(planned.includes('/workspace.git/worktrees'))
  t.ok(planned.includes('/workspace.git/worktrees/w/'))
  t.ok(planned.length < 12)
})

t.test('a repository inside the workspace is closed where it is', async t => {
  const folder = t.testdir({ '.git': 'gitdir: ./in/.bare\n', in: { '.bare': repository() } })
  const at = { kind: 'elsewhere', common: join(folder, 'in/.bare'), worktree: null } as const
  const plan = await planRepository(folder, at, { loosened: false })
  t.same(targets(plan), [
    '/workspace/in/',
    '/workspace/in/.bare/',
    '/workspace/in/.bare/commondir?',
    '/workspace/in/.bare/config',
    '/workspace/in/.bare/hooks',
  ])
  t.match(plan.files, [{ text: 'gitdir: /workspace/in/.bare\n' }])
})

t.test('a symlink in place of a mounted folder stops the start', async t => {
  const folder = t.testdir({ w: {}, keys: {}, repo: { '.git': { worktrees: { w: entry } } } })
  const git = join(folder, 'repo/.git')
  await writeFile(join(git, 'config'), '')
  await mkdir(join(git, 'objects'))
  await symlink(join(folder, 'keys'), join(git, 'hooks'))
  const at = { kind: 'elsewhere', common: git, worktree: 'w' } as const
  await t.rejects(planRepository(join(folder, 'w'), at, { loosened: false }), {
    message: /hooks is a symlink/,
  })
})

t.test('the configuration in the container names the workspace, whatever its end is', t => {
  t.match(
    renderRepositoryConfig('[a]\n\tb = c\\'),
    /c\\\n\n\[core\]\n\tbare = false\n\tworktree = "\/workspace"\n$/,
  )
  t.end()
})
