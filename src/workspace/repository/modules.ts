import { realpath } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { readGitConfig } from '../../config/git-config.ts'
import { isBelow } from '../../files/beneath.ts'
import { mostModules, submodules } from '../overlay/plan.ts'
import { readGitFile } from './git-pointers.ts'
import type { Elsewhere } from './locate.ts'

/** A submodule of the workspace, whose `.git` file names a folder of the repository outside. */
export type Module = {
  /** Below the repository's `modules`. */
  name: string
  /** The submodule's folder, relative to the workspace. */
  checkout: string
}

/** Returns the folder that holds the repositories of the workspace's submodules. */
export function modulesFolder({ common, worktree }: Omit<Elsewhere, 'kind'>): string {
  return join(common, worktree === null ? '' : join('worktrees', worktree), 'modules')
}

/** Maximum depth of submodules in submodules. */
const deepest = 5

/**
 * Returns the submodules that are checked out in the workspace, at any depth: each names its repository,
 * and is named back. Looks at `mostModules` of them, one after the other: each starts a program, and the
 * agent can nest folders that look like submodules.
 */
export async function findModules(workspace: string, repository: Elsewhere): Promise<Module[]> {
  const folder = modulesFolder(repository)
  let left = mostModules
  return below('', 0)

  async function below(above: string, depth: number): Promise<Module[]> {
    if (depth > deepest) return []
    const found: Module[] = []
    for (const name of await submodules(join(folder, above))) {
      if (left-- <= 0) break
      found.push(...(await one(join(above, name), depth)))
    }
    return found
  }

  async function one(name: string, depth: number): Promise<Module[]> {
    const path = join(folder, name)
    const checkout = await checkoutOf(path, workspace)
    const inner = await below(join(name, 'modules'), depth + 1)
    return checkout === null ? inner : [{ name, checkout }, ...inner]
  }
}

/** Returns the folder of a submodule's repository, relative to the workspace; null when it is not in it. */
async function checkoutOf(path: string, workspace: string): Promise<string | null> {
  const config = join(path, 'config')
  const asked = ['--file', config, '--no-includes', '--get', 'core.worktree']
  const value = (await readGitConfig(asked)).replace(/\n$/, '')
  const place = value === '' ? null : await realpath(resolve(path, value)).catch(() => null)
  if (place === null || !isBelow(workspace, place)) return null
  const named = await readGitFile(join(place, '.git'))
  const back = named && (await realpath(resolve(place, named)).catch(() => null))
  return back === path ? relative(workspace, place) : null
}
