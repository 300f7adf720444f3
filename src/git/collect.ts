import { UserError } from '../base/errors.ts'
import { type Log, silentLog } from '../base/log.ts'
import { prepareExec, startExecStream } from '../engine/container-exec.ts'
import type { EngineAddress } from '../engine/engine-request.ts'
import { withLock } from '../stack/state/lock.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { exportScript } from './bundle.ts'
import { openQuarantine } from './quarantine.ts'
import { receive } from './receive.ts'
import { openRepository } from './repository.ts'
import type { Session } from './session-record.ts'
import { readTips, type SessionTips } from './tips.ts'

/** The container with a session's copy. */
export type SessionPlace = { address: EngineAddress; container: string; signal?: AbortSignal }

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
  { address, container, signal }: SessionPlace,
  log: Log = silentLog,
): Promise<Collected> {
  const repository = await openRepository(session.folder)
  const lock = { log, timeout: patience, ...(signal && { signal }) }
  return withLock(`${session.stack}-commits`, lock, async () => {
    const quarantine = await openQuarantine(stateFolder(session.stack), repository, signal)
    const { base, branch, head } = await readTips(repository, session.session)
    const known = [base, branch, head].flatMap(tip => tip ?? [])
    const exec = await startExecStream(
      address,
      await prepareExec(address, {
        container,
        command: ['/bin/sh', '-c', exportScript, 'sh', '/workspace', session.branch, ...known],
        workingDirectory: '/',
      }),
    )
    // A container that is silent, or that sends without end but slowly, must not hold the lock.
    const timer = setTimeout(() => exec.destroy(), patience)
    const end = () => exec.destroy()
    signal?.addEventListener('abort', end, { once: true })
    try {
      // An abort while the program started has told the listener nothing.
      signal?.throwIfAborted()
      const tips = await receive(repository, quarantine, session.session, exec.stdout)
      const { branch, head } = tips.after
      return { ...tips, changed: branch !== tips.before.branch || head !== tips.before.head }
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      exec.destroy()
    }
  })
}

/** Returns whether a failed collection is about what the container sent, not about the machine. */
export function isRefusal(error: unknown): error is UserError {
  return error instanceof UserError && error.message.startsWith('the commits of the container')
}
