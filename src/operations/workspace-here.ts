import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { stateRoot } from '../config/paths.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { copyExists } from '../stack/workspace-copy.ts'
import { type OwnPlaces, openWorkspace, type Workspace } from '../workspace/workspace.ts'
import type { Context } from './context.ts'
import { stackOfFolder } from './find-stacks.ts'

/** Returns the host paths that an agent must never get, whichever folder it is opened in. */
export function ownPlaces({ root, found }: Pick<Context, 'root' | 'found'>): OwnPlaces {
  return {
    checkout: root,
    secrets: [join(root, '.env'), join(stateRoot(), 'stacks')],
    ...('socketPath' in found.address && { socket: found.address.socketPath }),
  }
}

/** Returns the folder as a workspace; defaults to the current one. */
export async function workspaceHere(
  context: Pick<Context, 'root' | 'found' | 'settings'>,
  options: { copy?: boolean; folder?: string } = {},
): Promise<Workspace> {
  const folder = await realpath(options.folder ?? process.cwd())
  return openWorkspace(
    folder,
    options.copy ? 'copy' : context.settings.WORKSPACE_MODE,
    ownPlaces(context),
    { copyExists: await copyExists(stateFolder((await stackOfFolder(folder)).name)) },
  )
}
