import { randomUUID } from 'node:crypto'
import type { Launch } from '../claude/launch.ts'
import { type LaunchProfile, startFiles } from '../claude/launch.ts'
import { noTotals } from '../turn/cost.ts'
import type { Workspace } from '../workspace.ts'
import { digestOfOpening } from './openings.ts'
import type { Pool, Warm } from './pool.ts'

export type RefillOptions = {
  launch: Launch
  /** Makes the folders of a workspace usable. */
  repair: (workspace: Workspace) => void
  pool: Pool
  /** Whether no run is in progress. */
  isQuiet: () => boolean
  /** Milliseconds of quiet before a process is started. */
  pause?: number
}

/** Keeps processes ready for runs that begin a session. Starts them when no run needs the processors. */
export function createRefill({ launch, repair, pool, isQuiet, pause }: RefillOptions) {
  const quietTime = createQuietTime(isQuiet, pause)
  let isClosed = false

  function now(workspace: Workspace, profile: LaunchProfile, text: string | null = null): boolean {
    if (isClosed || !pool.hasRoom()) return false
    const opening = text === null ? null : digestOfOpening(text)
    repair(workspace)
    const files = startFiles(workspace)
    const isReady = ({ purpose, files: then }: Warm) =>
      purpose.kind === 'fresh' &&
      then === files &&
      purpose.opening === opening &&
      JSON.stringify(purpose.profile) === JSON.stringify(profile)
    if (pool.has(workspace, isReady)) return true
    const sessionId = randomUUID()
    const started = launch(workspace, { ...profile, session: { kind: 'fresh', id: sessionId } })
    const purpose = { kind: 'fresh' as const, profile, opening }
    pool.put({ ...started, workspace, sessionId, totals: noTotals, files, purpose })
    // Measured: its first turn then begins about 7 ms sooner.
    if (text !== null) started.claude.write(text)
    return true
  }

  return {
    /** Starts a process at once. Returns false when the pool has no room. */
    now,
    /**
     * Starts a process in a quiet time. A later call for the same workspace replaces this one.
     *
     * @param opening the expected opening of the next run, which the process takes at once; null for none
     */
    later(workspace: Workspace, profile: LaunchProfile, opening: string | null = null) {
      quietTime.later(workspace.key, async () => now(workspace, profile, opening))
    },
    /** Starts what is due. Call it when a run has ended. */
    look: quietTime.look,
    /** Stops starting processes. */
    close() {
      isClosed = true
      quietTime.close()
    },
  }
}

/** Milliseconds without a run before the first task, and between two tasks. */
const pauseMilliseconds = 200

/**
 * Defers work until no run needs the processors: starting a process for later uses as much processor time
 * as a run does.
 *
 * @param isQuiet whether no run is in progress
 */
export function createQuietTime(isQuiet: () => boolean, pause = pauseMilliseconds) {
  const waiting = new Map<string, () => Promise<unknown>>()
  let timer: NodeJS.Timeout | undefined

  async function next() {
    timer = undefined
    const [first] = waiting
    if (!first || !isQuiet()) return
    const [key, work] = first
    waiting.delete(key)
    // Work ahead of time may fail: the run that needs it repeats it, and reports the error.
    await work().catch(() => {})
    look()
  }

  /** Schedules the next task, if any. Call it when a run has ended. */
  function look() {
    if (timer !== undefined || waiting.size === 0 || !isQuiet()) return
    timer = setTimeout(() => void next(), pause).unref()
  }

  return {
    /** Schedules work; later work replaces earlier work of the same key. */
    later(key: string, work: () => Promise<unknown>) {
      waiting.set(key, work)
      look()
    },
    look,
    /** Stops starting work. */
    close() {
      waiting.clear()
      clearTimeout(timer)
      timer = undefined
    },
  }
}
