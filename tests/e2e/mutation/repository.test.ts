// exclusive: changes the host
import { chmod, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { type ComposeConfig, createMutableStack } from '../../support/mutation/mutable-stack.ts'
import { must } from '../../support/stack/process.ts'
import { owner } from '../../support/stack/test-stack.ts'

type Mount = { target: string; source: string; read_only?: boolean }

const mountsOf = (config: ComposeConfig) => (config.services.claude?.volumes ?? []) as Mount[]

/** Makes the workspace a linked worktree of a repository beside it, which has another one too. */
async function linkedWorktree(workspace: string) {
  const above = dirname(workspace)
  await rm(workspace, { recursive: true })
  await chmod(above, 0o755)
  await must('chown', [`${owner}:${owner}`, above])
  const git = (...args: string[]) =>
    must(
      'setpriv',
      [
        ...['--reuid', `${owner}`, '--regid', `${owner}`, '--clear-groups'],
        ...['git', '-c', 'user.name=me', '-c', 'user.email=me@host.test', ...args],
      ],
      { cwd: above, env: { PATH: process.env.PATH, HOME: '/nonexistent' } },
    )
  await git('init', '--quiet', 'repo')
  await git('-C', 'repo', 'commit', '--quiet', '--allow-empty', '--message=one')
  await git('-C', 'repo', 'worktree', 'add', '--quiet', workspace)
  await git('-C', 'repo', 'worktree', 'add', '--quiet', '../other')
}

t.test('a probe notices each removed mount of a repository outside the workspace', async t => {
  const stack = await createMutableStack(t, linkedWorktree)
  const open = async (id: string) => {
    const [result] = await stack.audit([id])
    return result?.checks.filter(({ verdict }) => verdict === 'open') ?? []
  }
  const isClosed = ({ target, read_only }: Mount) =>
    read_only && (target === '/workspace/.git' || target.startsWith('/workspace.git/'))
  const closed = mountsOf(stack.config).filter(isClosed)
  t.ok(closed.some(({ target }) => target === '/workspace.git/hooks'))
  t.ok(closed.some(({ target }) => target === '/workspace.git/worktrees/other'))
  t.same([...(await open('H1')), ...(await open('C2'))], [], 'with all controls, both probes pass')

  for (const { target } of closed) {
    t.test(target, async t => {
      await stack.mutate(config => {
        const mounts = mountsOf(config)
        mounts.splice(
          mounts.findIndex(mount => mount.target === target),
          1,
        )
      })
      t.match(JSON.stringify(await open('H1')), target)
    })
  }

  t.test('a writable hooks folder is found by an attempt to write', async t => {
    await stack.mutate(config => {
      for (const mount of mountsOf(config)) {
        if (mount.target === '/workspace.git/hooks') delete mount.read_only
      }
    })
    t.match(JSON.stringify(await open('H1')), 'wrote /workspace.git/hooks')
    t.match(JSON.stringify(await open('C2')), '/workspace.git/hooks')
  })

  t.test('another repository in its place is found', async t => {
    const other = join(dirname(stack.stack.workspace), 'other')
    await stack.mutate(config => {
      for (const mount of mountsOf(config)) {
        if (mount.target === '/workspace.git/worktrees/other') mount.source = other
      }
    })
    t.match(await open('C2'), [
      { claim: 'every mount is one that the design expects', evidence: /other/ },
    ])
  })
})
