import { realpath } from 'node:fs/promises'
import { collect } from '../../git/collect.ts'
import { chooseSession, listSessions, type Session } from '../../git/session-record.ts'
import { inspectStack, inspectStacks, type StackState, serviceOf } from '../../stack/inspect.ts'
import { serviceOfSessions } from '../../stack/services.ts'
import type { EngineContext } from '../context.ts'

/** A session, and its containers; null when it has none. */
export type FoundSession = { session: Session; state: StackState | null }

/** Returns the sessions of the current folder, or of all folders, the newest first. */
export async function findSessions(
  { engine }: Pick<EngineContext, 'engine'>,
  options: { all?: boolean } = {},
): Promise<FoundSession[]> {
  const folder = await realpath(process.cwd())
  const [sessions, states] = await Promise.all([
    listSessions(options.all ? {} : { folder }),
    inspectStacks(engine),
  ])
  return sessions.map(session => ({
    session,
    state: states.find(({ stack }) => stack === session.stack) ?? null,
  }))
}

/**
 * Returns the session that a person named: one of the current folder, or of any folder by its id. Without a name
 * the only one of the folder, or its only one that runs.
 */
export async function findSession(
  { engine }: Pick<EngineContext, 'engine'>,
  wanted: string | undefined,
): Promise<FoundSession> {
  const here = await findSessions({ engine })
  if (wanted === undefined) {
    const running = here.filter(isRunning)
    const chosen = running.length === 1 ? running : here
    return withState(
      chooseSession(
        undefined,
        chosen.map(({ session }) => session),
      ),
    )
  }
  const sessions = here.map(({ session }) => session)
  const elsewhere = (await listSessions()).find(({ id, stack }) => [id, stack].includes(wanted))
  return withState(elsewhere ?? chooseSession(wanted, sessions))

  async function withState(session: Session): Promise<FoundSession> {
    return { session, state: await inspectStack(engine, session.stack) }
  }
}

/** Returns whether the container with a session's copy runs. */
export function isRunning({ state }: Pick<FoundSession, 'state'>): boolean {
  return state !== null && serviceOf(state, serviceOfSessions)?.state === 'running'
}

/** Fetches what the container of a session has; returns false when it does not run. */
export async function collectFrom(
  { engine, signal, log }: Pick<EngineContext, 'engine' | 'signal' | 'log'>,
  { session, state }: FoundSession,
): Promise<boolean> {
  const service = state && serviceOf(state, serviceOfSessions)
  if (service?.state !== 'running') return false
  await collect(session, { address: engine.address, container: service.container, signal }, log)
  return true
}
