import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { must } from './process.ts'

export const repository = join(import.meta.dirname, '../../..')

/** Any command makes the bundle of this checkout current; one is enough for all copies of a process. */
const bundled: { once?: Promise<unknown> } = {}

/**
 * Copies the repository to a checkout of its own, as a user has one: the tests edit its .env and
 * squid.conf and run its claude.ts. Times are kept, or the launcher would install the packages again, and
 * make the bundle again in each copy.
 */
export async function copyCheckout(t: Test): Promise<string> {
  bundled.once ??= must(join(repository, 'claude.ts'), ['--version'])
  await bundled.once
  const target = await temporaryFolder(t, 'checkout')
  const listed = await must(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: repository },
  )
  // Whole folders, so that their times are kept too: the launcher compares them with the bundle's.
  const paths = new Set(listed.split('\0').map(path => path.split('/')[0] ?? ''))
  const wanted = [...paths, '.build/bundle'].filter(
    path => path && path !== 'tests' && existsSync(join(repository, path)),
  )
  const keep = ['--parents', '--recursive', '--no-dereference', '--preserve=mode,timestamps']
  await must('cp', [...keep, '--target-directory', target, ...wanted], { cwd: repository })
  await symlink(join(repository, 'node_modules'), join(target, 'node_modules'))
  return target
}

/** Outside the repository and readable for every user of a container; removed after the test. */
export async function temporaryFolder(t: Test, name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `claude-secure-test-${name}-`))
  // A program that ends at the same time may still write into it.
  t.teardown(() => rm(path, { recursive: true, force: true, maxRetries: 10 }))
  return path
}
