import { chmod, lstat, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { refuseReplacedPaths } from '../../../src/stack/mounted-repository.ts'
import { planRepository } from '../../../src/workspace/repository/plan.ts'

/** A linked worktree, and a client whose container sees what `numbers` lists. */
async function scene(t: Test, options: { kernel?: string } = {}) {
  const top = t.testdir({
    w: {},
    repo: {
      '.git': {
        ...{ HEAD: '', config: '', hooks: {}, objects: {}, refs: {}, modules: {}, commondir: '.' },
        worktrees: { w: { HEAD: '', modules: {}, gitdir: '', commondir: '../..' } },
      },
    },
  })
  const common = join(top, 'repo/.git')
  const plan = await planRepository(
    join(top, 'w'),
    { kind: 'elsewhere', common, worktree: 'w' },
    { loosened: false },
  )
  const file = join(top, 'docker')
  const boot = options.kernel === undefined ? 'cat "$4"' : `echo ${options.kernel}`
  await writeFile(
    file,
    `#!/bin/sh\nif [ "$3" = /usr/bin/cat ]; then ${boot}; else cat ${top}/numbers; fi\n`,
  )
  await chmod(file, 0o755)
  const mounted = async () => {
    const generated = new Set(plan.files.map(({ target }) => target))
    const paths = plan.mounts.filter(({ target }) => !generated.has(target))
    const stats = await Promise.all(paths.map(({ path }) => lstat(join(plan.root, path))))
    await writeFile(join(top, 'numbers'), stats.map(({ dev, ino }) => `${dev}:${ino}\n`).join(''))
  }
  await mounted()
  const docker = { kind: 'docker' as const, file, env: { PATH: process.env.PATH ?? '' } }
  return { common, mounted, check: () => refuseReplacedPaths({ docker }, plan, 'c') }
}

t.test('what was checked is what was mounted', async t => {
  const { check } = await scene(t)
  await t.resolves(check())
})

t.test('a folder that was exchanged between the check and the mount is refused', async t => {
  const { common, mounted, check } = await scene(t)
  await rename(join(common, 'worktrees'), join(common, 'kept'))
  await mkdir(join(common, 'worktrees/w/modules'), { recursive: true })
  await mounted()
  await t.rejects(check(), {
    message: /repo\/\.git\/worktrees was replaced while the stack started/,
  })
})

t.test('another kernel numbers files in its own way', async t => {
  const { common, mounted, check } = await scene(t, { kernel: 'other' })
  await rename(join(common, 'hooks'), join(common, 'kept'))
  await mkdir(join(common, 'hooks'))
  await mounted()
  await t.resolves(check())
})
