import { command } from '../../base/command.ts'
import { runsInProgress } from '../../stack/activity.ts'
import { forgetSecrets } from '../../stack/secrets.ts'
import { drainServer } from '../../stack/server/drain.ts'
import { tenantOf } from '../../stack/services.ts'
import { withLock } from '../../stack/state/lock.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { stackExists, stopStack } from '../../stack/stop.ts'
import type { Context } from '../context.ts'
import { confirmStop, shownRuns } from '../stop.ts'
import { findServer, serverIdentity } from './server-context.ts'

/**
 * Takes the server down. Its files, conversations, runs and tokens stay. Returns what was stopped; null when
 * the person keeps the active runs.
 */
export async function serveDown(
  context: Context,
  options: { name?: string; force?: boolean },
): Promise<{ stopped: boolean; id: string; tenants: string[] } | null> {
  const { engine, docker, log, signal } = context
  const identity = serverIdentity(options.name)
  const before = await findServer(context, identity)
  const runs = await runsInProgress(engine, [identity.name])
  if (!options.force && !(await confirmStop(runs, context))) return null
  const stopped = await withLock(identity.name, { log, signal }, async () => {
    if (!(await stackExists(engine, identity.name))) {
      // A start that was killed may have left them.
      await forgetSecrets(stateFolder(identity.name))
      return false
    }
    // First and alone: runs end only while their workers are there.
    if (runs.size > 0) await drainServer(docker, identity.name, { log, signal })
    await stopStack(docker, identity.name, { log, signal })
    return true
  })
  if (runs.size > 0) log({ kind: 'info', text: `these runs were active: ${shownRuns(runs)}` })
  const tenants = (before?.services ?? []).flatMap(({ name }) => tenantOf(name) ?? [])
  return { stopped, id: identity.id, tenants }
}

/** Says what stays after a server was taken down, and what removes it. */
export function stays(id: string): string {
  return `workspaces, conversations, results and tokens stay; ${command(`clean ${id}`)} removes all but the workspaces`
}
