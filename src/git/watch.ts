import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../base/log.ts'
import { ContainerGone, type ExecStream } from '../engine/container-exec.ts'
import { type Collected, collect, isRefusal } from './collect.ts'
import { inSession, type SessionPlace } from './session-exec.ts'
import type { Session } from './session-record.ts'

export type WatchEvent =
  | ({ kind: 'collected' } & Collected)
  /** The container sent what the host does not take. */
  | { kind: 'refused'; message: string }
  /** The container or the engine ended the watch; it is tried again. */
  | { kind: 'interrupted' }
  /** The container was removed, as by a stop; this is the last event. */
  | { kind: 'ended' }

/**
 * Runs in the container, as the agent, and prints a line when a tip changed. Two short calls of git twice a second,
 * and no look at its files, so a large repository costs no more. Arguments: the branch.
 */
const watchScript = `
cd /workspace || exit 1
g() { /usr/bin/git -c safe.directory=* rev-parse --verify --quiet "$@"; }
last=
while :; do
  now=$(g "refs/heads/$1"; g HEAD)
  [ "$now" = "$last" ] || { last=$now; echo changed; }
  sleep 0.5
done
`

/** Milliseconds between two collections, however often the container says that something changed. */
const pause = 300

/** Milliseconds until a watch that ended is begun again: at first, and after many failures. */
const again = { first: 2_000, most: 60_000 }

/**
 * Brings the commits of a session to the repository as they are made, until the signal fires. The container only
 * says that there may be something: what is new is found by `collect`. Resolves when the signal fires or the
 * container was removed.
 */
export async function watchSession(
  session: Session,
  place: SessionPlace & { signal: AbortSignal },
  onEvent: (event: WatchEvent) => void,
): Promise<void> {
  const { signal } = place
  let refusal = ''
  let failures = 0
  const take = async () => {
    try {
      const collected = await collect(session, place, silentLog)
      refusal = ''
      failures = 0
      if (collected.changed) onEvent({ kind: 'collected', ...collected })
    } catch (error) {
      if (signal.aborted || !isRefusal(error)) throw error
      // The agent may try the same again and again.
      if (error.message !== refusal) onEvent({ kind: 'refused', message: error.message })
      refusal = error.message
    }
  }
  while (!signal.aborted) {
    try {
      await followChanges(session, place, take)
    } catch (error) {
      // Otherwise the container was stopped, or the engine.
      if (error instanceof ContainerGone) return onEvent({ kind: 'ended' })
    }
    if (signal.aborted) return
    onEvent({ kind: 'interrupted' })
    const wait = Math.min(again.first * 2 ** failures++, again.most)
    await sleep(wait, undefined, { signal }).catch(() => {})
  }
}

function followChanges(
  { branch }: Session,
  place: SessionPlace & { signal: AbortSignal },
  take: () => Promise<void>,
): Promise<void> {
  const command = ['/bin/sh', '-c', watchScript, 'sh', branch]
  // Without a limit: it lasts as long as its watcher.
  return inSession(place, command, null, async exec => {
    const changes = createFlag(exec)
    while (await changes.next()) {
      await take()
      await sleep(pause, undefined, { signal: place.signal })
    }
  })
}

/** Turns the output of the container into a flag: its text is not kept, however much it prints. */
function createFlag(exec: ExecStream) {
  let [raised, over] = [false, false]
  let wake = () => {}
  const read = async () => {
    try {
      for await (const _ of exec.stdout) {
        raised = true
        wake()
      }
    } finally {
      over = true
      wake()
    }
  }
  read().catch(() => {})
  return {
    /** Resolves with true once something was printed, and with false at the end. */
    async next(): Promise<boolean> {
      if (!raised && !over) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      if (!raised) return false
      raised = false
      return true
    },
  }
}
