import { randomUUID } from 'node:crypto'
import type { Launch } from '../claude/launch.ts'
import { type LaunchProfile, startFiles } from '../claude/launch-profile.ts'
import { noTotals } from '../turn/cost.ts'
import type { Workspace } from '../workspace.ts'
import type { Pool, Warm } from './pool.ts'
import { createQuietTime } from './quiet-time.ts'

export type RefillOptions = {
  launch: Launch
  pool: Pool
  /** Whether no run is under way. */
  isQuiet: () => boolean
  /** Milliseconds of quiet before a process is started. */
  pause?: number
}

/** Has processes ready for runs that begin a session, started when no run needs the processors. */
export function createRefill({ launch, pool, isQuiet, pause }: RefillOptions) {
  const quietTime = createQuietTime(isQuiet, pause)
  let isClosed = false

  function now(workspace: Workspace, profile: LaunchProfile): boolean {
    if (isClosed || !pool.hasRoom()) return false
    const files = startFiles(workspace)
    const isReady = ({ purpose, files: then }: Warm) =>
      purpose.kind === 'fresh' &&
      then === files &&
      JSON.stringify(purpose.profile) === JSON.stringify(profile)
    if (pool.has(workspace, isReady)) return true
    const sessionId = randomUUID()
    const started = launch(workspace, { ...profile, session: { kind: 'fresh', id: sessionId } })
    const purpose = { kind: 'fresh' as const, profile }
    pool.put({ ...started, workspace, sessionId, totals: noTotals, files, purpose })
    return true
  }

  return {
    /** False where there is no room for a process that waits. */
    now,
    /** For a workspace only the last one asked for. */
    later(workspace: Workspace, profile: LaunchProfile) {
      quietTime.later(workspace.key, async () => now(workspace, profile))
    },
    /** To be called when a run has ended. */
    look: quietTime.look,
    /** Nothing more is started. */
    close() {
      isClosed = true
      quietTime.close()
    },
  }
}
