import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { must } from './process.ts'

export const repository = join(import.meta.dirname, '../../..')

/**
 * A checkout of its own, as a user has one: the tests edit its .env and squid.conf and run its
 * claude.ts. Times are kept, or the launcher would install the packages again.
 */
export async function copyCheckout(t: Test): Promise<string> {
  const target = await temporaryFolder(t, 'checkout')
  const listed = await must(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: repository },
  )
  for (const path of listed.split('\0').filter(path => path && !path.startsWith('tests/'))) {
    await cp(join(repository, path), join(target, path), { preserveTimestamps: true }).catch(
      // Listed by git, and deleted since.
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      },
    )
  }
  await symlink(join(repository, 'node_modules'), join(target, 'node_modules'))
  return target
}

/** Outside the repository and readable for every user of a container; removed after the test. */
export async function temporaryFolder(t: Test, name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `claude-secure-test-${name}-`))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}
