import { UserError } from '../base/errors.ts'
import { type Log, silentLog } from '../base/log.ts'
import { withLock } from '../stack/state/lock.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { exportScript } from './bundle.ts'
import { openQuarantine } from './quarantine.ts'
import { receive } from './receive.ts'
import { openRepository } from './repository.ts'
import { inSession, type SessionPlace } from './session-exec.ts'
import type { Session } from './session-record.ts'
import { readTips, type SessionTips } from './tips.ts'

/** What a collection changed. */
export type Collected = { before: SessionTips; after: SessionTips; changed: boolean }

/** Milliseconds in which a container must have sent its commits. */
const patience = 120_000

/**
 * Fetches the commits of a session that its container has and the repository lacks. Its cost grows with the new
 * commits. One at a time: a second caller waits, and finds nothing new.
 */
export async function collect(
  session: Session,
  place: SessionPlace,
  log: Log = silentLog,
): Promise<Collected> {
  const { signal } = place
  const repository = await openRepository(session.folder)
  const lock = { log, timeout: patience, ...(signal && { signal }) }
  return withLock(`${session.stack}-commits`, lock, async () => {
    const quarantine = await openQuarantine(stateFolder(session.stack), repository, signal)
    const { base, branch, head } = await readTips(repository, session.session)
    const known = [base, branch, head].flatMap(tip => tip ?? [])
    const command = ['/bin/sh', '-c', exportScript, 'sh', '/workspace', session.branch, ...known]
    const tips = await inSession(place, command, patience, ({ stdout }) =>
      receive(repository, quarantine, session.session, stdout),
    )
    const { before, after } = tips
    return { ...tips, changed: after.branch !== before.branch || after.head !== before.head }
  })
}

/** Returns whether a failed collection is about what the container sent, not about the machine. */
export function isRefusal(error: unknown): error is UserError {
  return error instanceof UserError && error.message.startsWith('the commits of the container')
}
