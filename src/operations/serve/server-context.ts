import { UserError } from '../../base/errors.ts'
import { stackOwner } from '../../config/environment.ts'
import { type StackIdentity, stackIdentity } from '../../stack/identity.ts'
import { inspectStack, type StackState } from '../../stack/inspect.ts'
import { refuseOtherOwner } from '../../stack/state/owner.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import type { EngineContext } from '../context.ts'

/** The name of the server, unless another is given. */
export const defaultServer = 'main'

/** Returns the identity of a server's stack. */
export function serverIdentity(name: string = defaultServer): StackIdentity {
  if (!/^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/.test(name)) {
    throw new UserError('the name of a server is not 1 to 24 of a-z, 0-9 and - inside', {
      hint: 'omit --name, or give a name such as team',
      exitCode: 2,
    })
  }
  const owner = stackOwner()
  const identity = stackIdentity({ kind: 'server', server: name })
  return owner === undefined ? identity : { ...identity, owner }
}

/** Inspects the server's stack; null without containers. Refuses one of another user. */
export async function findServer(
  { engine }: Pick<EngineContext, 'engine'>,
  identity: StackIdentity,
): Promise<StackState | null> {
  const state = await inspectStack(engine, identity.name)
  await refuseOtherOwner(identity, stateFolder(identity.name), state)
  return state
}
