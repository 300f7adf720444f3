import { realpathSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { stackOwner } from '../config/environment.ts'
import { stateRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import { folderStack, type StackIdentity } from '../stack/identity.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { copyExists } from '../stack/workspace-copy.ts'
import { baselinePath, readCopyRecord } from '../workspace/copy/record.ts'
import { type OpenedWorkspace, type OwnPlaces, openWorkspace } from '../workspace/workspace.ts'
import type { Context } from './context.ts'
import { ownedStackName } from './find-stacks.ts'

/** Returns the files of the user that hold a secret, and to which a setting leads. */
export function secretFiles({
  GOOGLE_APPLICATION_CREDENTIALS: key,
  PARENT_PROXY_LOGIN: login,
}: Settings): { path: string; what: string }[] {
  return [
    ...(key ? [{ path: realPath(key), what: 'the key of your service account' }] : []),
    ...(login ? [{ path: realPath(login), what: 'the password of your parent proxy' }] : []),
  ]
}

/** Returns the host paths that an agent must never get, whichever folder it is opened in. */
export function ownPlaces({
  root,
  found,
  settings,
}: Pick<Context, 'root' | 'found' | 'settings'>): OwnPlaces {
  const files = secretFiles(settings).map(({ path }) => path)
  return {
    checkout: root,
    secrets: [join(root, '.env'), join(stateRoot(), 'stacks'), ...files],
    ...('socketPath' in found.address && { socket: found.address.socketPath }),
  }
}

/** Returns where a symlink leads; a path that leads nowhere holds no secret yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** Returns the paths that a repository outside the workspace must not hold; a copy is not mounted. */
export function forbiddenPlaces(
  context: Pick<Context, 'root' | 'found' | 'settings'>,
  { mode }: OpenedWorkspace,
): string[] {
  const { checkout, secrets, socket } = ownPlaces(context)
  return [...secrets, ...(mode === 'mount' ? [checkout] : []), ...(socket ? [socket] : [])]
}

/** A stack and the folder that its agents work in. */
export type StackWorkspace = { identity: StackIdentity; workspace: OpenedWorkspace }

/** Opens a folder, by default the current one, for a stack, by default that of the folder. */
export async function workspaceHere(
  context: Pick<Context, 'root' | 'found' | 'settings'>,
  options: {
    copy?: boolean
    /** Opens the folder itself, even where it was opened as a copy before. */
    mount?: boolean
    folder?: string
    identity?: StackIdentity
  } = {},
): Promise<StackWorkspace> {
  if (options.mount && context.settings.WORKSPACE_MODE === 'copy') {
    throw new UserError('--mount contradicts WORKSPACE_MODE=copy', {
      hint: 'set WORKSPACE_MODE=auto in .env, then run the command again',
    })
  }
  const folder = await realpath(options.folder ?? process.cwd())
  const identity = options.identity ?? folderStack(folder, stackOwner())
  const state = stateFolder(await ownedStackName(identity))
  const workspace = await openWorkspace(
    folder,
    options.copy ? 'copy' : options.mount ? 'mount' : context.settings.WORKSPACE_MODE,
    ownPlaces(context),
    {
      copyExists: await copyExists(state),
      copyOwner: (await readCopyRecord(baselinePath(state)))?.owner ?? null,
      mountGiven: options.mount ?? false,
    },
  )
  return { identity, workspace }
}
