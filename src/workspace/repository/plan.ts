import { readdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { isWithin } from '../../files/beneath.ts'
import { readGitReferences } from '../overlay/git-references.ts'
import type { Overlay, Placeholder, Wanted } from '../overlay/overlay.ts'
import { mostModules, planWanted, repositoryWanted, submodules } from '../overlay/plan.ts'
import { readLine } from './git-pointers.ts'
import type { Elsewhere } from './locate.ts'
import { findModules } from './modules.ts'

/** Path in the containers of a repository that is not in the workspace. */
export const repositoryTarget = '/workspace.git'

/** A path of the repository, and where it is in the containers. */
export type RepositoryMount = Overlay & { target: string }

export type RepositoryPlan = {
  /** Real path of the repository. */
  common: string
  /** Real path of the folder that the mounts' paths are relative to. */
  root: string
  mounts: RepositoryMount[]
  /** Generated files that replace files of the workspace and the repository. */
  files: { name: string; target: string; text: string }[]
  /** The repository's configuration, where it names the workspace by a path of the host. */
  config: { path: string; target: string } | null
}

/**
 * Plans the mounts by which git works in a workspace whose repository is elsewhere: the repository is
 * writable, because git stores objects and refs in it, and everything in it that the host runs or obeys
 * is read-only (threat H1), as are other worktrees. `loosened`: nothing is read-only.
 */
export async function planRepository(
  workspace: string,
  repository: Elsewhere,
  { loosened }: { loosened: boolean },
): Promise<RepositoryPlan> {
  const { common, worktree } = repository
  const inside = isWithin(workspace, common)
  const root = inside ? workspace : dirname(common)
  const base = relative(root, common)
  const at = inside ? `/workspace/${base}` : repositoryTarget
  const { worktreeConfig } = await readGitReferences(common, join(common, 'config'))
  const overlays =
    worktree === null
      ? await planWanted(root, await repositoryWanted(root, base, worktreeConfig))
      : await linkedOverlays(root, base, worktree, worktreeConfig)
  const mounts = overlays
    // The folders above one inside the workspace are mounted at their own path.
    .map(overlay => ({ ...overlay, target: targetOf(overlay.path) }))
    .filter(({ path, writable }) => !loosened || writable || path === `${base}/worktrees`)
  const gitDir = worktree === null ? at : `${at}/worktrees/${worktree}`
  const files = [{ name: 'git-file', target: '/workspace/.git', text: `gitdir: ${gitDir}\n` }]
  if (worktree !== null) {
    files.push(
      { name: 'git-dir', target: `${gitDir}/gitdir`, text: '/workspace/.git\n' },
      { name: 'git-common', target: `${gitDir}/commondir`, text: '../..\n' },
    )
  }
  const modules = await findModules(workspace, repository)
  for (const [at, { name, checkout }] of modules.entries()) {
    const text = `gitdir: ${gitDir}/modules/${name}\n`
    files.push({ name: `git-module-${at}`, target: `/workspace/${checkout}/.git`, text })
  }
  const config =
    worktree === null && !inside ? { path: join(common, 'config'), target: `${at}/config` } : null
  return { common, root, mounts, files, config }

  function targetOf(path: string) {
    return isWithin(base, path) ? `${at}${path.slice(base.length)}` : `/workspace/${path}`
  }
}

const name = '.git' as const
const folder: Placeholder = { kind: 'folder' }
const most = 32

/**
 * Other worktrees can be read: without their HEAD and index, git would check out their branches and
 * delete their commits as unreachable.
 */
async function linkedOverlays(
  root: string,
  base: string,
  worktree: string,
  worktreeConfig: boolean,
): Promise<Overlay[]> {
  const file = (content: string): Placeholder => ({ kind: 'file', content })
  const missing = worktreeConfig ? file('') : null
  const repository: Wanted[] = [
    { path: base, name, writable: true, placeholder: null },
    { path: `${base}/config`, name, placeholder: file('') },
    { path: `${base}/hooks`, name, placeholder: folder },
    { path: `${base}/commondir`, name, placeholder: file('.') },
    { path: `${base}/config.worktree`, name, placeholder: missing },
    // git on the host would use a repository that the agent puts there for a submodule.
    { path: `${base}/modules`, name, placeholder: folder },
    ...(await otherWorktrees(root, `${base}/worktrees`, worktree)),
  ]
  const entry = `${base}/worktrees/${worktree}`
  const own: Wanted[] = [
    { path: entry, name, writable: true, placeholder: null },
    { path: `${entry}/config.worktree`, name, placeholder: missing },
    { path: `${entry}/modules`, name, placeholder: folder },
  ]
  const budget = { modules: mostModules }
  const modules = (await submodules(join(root, entry, 'modules'))).map(
    module => `${entry}/modules/${module}`,
  )
  return [
    ...(await planWanted(root, repository)),
    ...(await planBelow(root, entry, own)),
    // Above this number they are read-only with their folder.
    ...(modules.length > most ? [] : await Promise.all(modules.map(planModule))).flat(),
  ]

  async function planModule(path: string) {
    return planBelow(root, path, await repositoryWanted(root, path, worktreeConfig, budget))
  }
}

/** Plans a folder and what is in it: the folders above it have their mounts from another plan. */
async function planBelow(root: string, folder: string, wanted: readonly Wanted[]) {
  return (await planWanted(root, wanted)).filter(({ path }) => isWithin(folder, path))
}

/** Where an agent adds worktrees. They are not valid on the host. */
const inContainer = /^\/(workspace|home\/claude)\//

/** Plans the entries of other worktrees, without those of the agent. */
async function otherWorktrees(root: string, path: string, worktree: string): Promise<Wanted[]> {
  const entries = await readdir(join(root, path), { withFileTypes: true })
  const found = await Promise.all(
    entries
      .filter(entry => entry.isDirectory() && entry.name !== worktree)
      .map(async entry => {
        const gitdir = await readLine(join(root, path, entry.name, 'gitdir'))
        return gitdir && inContainer.test(gitdir) ? [] : [entry]
      }),
  )
  const others = found.flat()
  // Each needs a mount: above this number they are read-only as a whole, and git cannot add one.
  if (others.length > most) return [{ path, name, placeholder: null }]
  return [
    { path, name, writable: true, placeholder: null },
    ...others.map(entry => ({ path: `${path}/${entry.name}`, name, placeholder: null })),
  ]
}

/** Returns the repository's configuration with the workspace's path in the containers. */
export function renderRepositoryConfig(text: string, checkout = ''): string {
  // The last value counts. Two line ends: the text may end in a continued line.
  const worktree = JSON.stringify(join('/workspace', checkout))
  return `${text}\n\n[core]\n\tbare = false\n\tworktree = ${worktree}\n`
}
