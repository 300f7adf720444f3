import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { settleConcurrently } from '../../base/async.ts'
import { userEnvironment } from '../../config/environment.ts'
import { cacheRoot, customRoot, stateRoot } from '../../config/paths.ts'
import { checkoutImages } from '../../images/prune.ts'
import { type Remains, readRemains } from '../../stack/remains.ts'
import { allStacks, type ListedStack } from '../../stack/stack-list.ts'
import type { Context } from '../context.ts'
import { newestImage } from '../images.ts'
import { workspacesPath } from '../serve/workspaces-folder.ts'

/** All that `uninstall` removes, and what it leaves. */
export type UninstallPlan = {
  /** This user's stacks, with what each would lose. */
  stacks: Remains[]
  /** Stacks of other users of the engine, which stay. */
  others: ListedStack[]
  /** Tags or ids of this checkout's images. */
  images: string[]
  /** Existing folders with state and downloads. */
  folders: string[]
  /** Folders with files that `start` moved out of a workspace: they may exist nowhere else. */
  withdrawn: string[]
  /** Existing places that stay, because the user wrote what is in them. */
  left: string[]
}

/** Maximum concurrent inspections: each copy needs a container. */
const atOnce = 4

/** Finds what an uninstall removes. Changes nothing. */
export async function planUninstall(context: Context): Promise<UninstallPlan> {
  const { engine, docker, root, settings, signal } = context
  const all = await allStacks(engine)
  const ours = all.filter(stack => stack.ours)
  let image: Promise<string> | undefined
  const anyImage = () => {
    image ??= newestImage(engine, 'claude')
    return image
  }
  const read = await settleConcurrently(ours, atOnce, stack =>
    readRemains(context, stack, anyImage),
  )
  const stacks = read.map(result => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
  return {
    stacks,
    others: all.filter(stack => !stack.ours),
    images: await checkoutImages({ client: docker, root, signal }),
    folders: await existing([stateRoot(), cacheRoot()]),
    withdrawn: await withdrawnFolders(),
    left: await existing([root, customRoot(settings), workspacesPath(settings, userEnvironment())]),
  }
}

async function withdrawnFolders(): Promise<string[]> {
  const stacks = join(stateRoot(), 'stacks')
  const names = await readdir(stacks).catch(() => [])
  const found = await Promise.all(
    names.map(async name => {
      const path = join(stacks, name, 'withdrawn')
      return (await readdir(path).catch(() => [])).length > 0 ? [path] : []
    }),
  )
  return found.flat()
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map(path =>
      lstat(path).then(
        () => [path],
        () => [],
      ),
    ),
  )
  return found.flat()
}
