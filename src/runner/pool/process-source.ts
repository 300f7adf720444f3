import { randomUUID } from 'node:crypto'
import type { RunRequest } from '../../run/request.ts'
import type { Launch } from '../claude/launch.ts'
import { fitsFresh, launchKey, startFiles } from '../claude/launch.ts'
import { modelToLaunch, withoutInherited } from '../claude/model.ts'
import { initializeLine, readStandingPrompt, settingLines } from '../claude/process.ts'
import { findTranscript, hasTranscript, type Sessions } from '../claude/sessions.ts'
import { noTotals, totalsOf } from '../turn/cost.ts'
import type { Workspace } from '../workspace.ts'
import type { Pool, Warm } from './pool.ts'

export type Obtained = Omit<Warm, 'purpose' | 'workspace'> & {
  warm: boolean
  /** Input for its stdin before the prompt. */
  input: string
}

export type ProcessSourceOptions = {
  launch: Launch
  pool: Pool
  sessions: Sessions
  /** File with the user's text for every run's system prompt. */
  standingPrompt: string
}

/** Obtains the process for a run: a warm one of the pool, or a new one. */
export function createProcessSource({
  launch,
  pool,
  sessions,
  standingPrompt,
}: ProcessSourceOptions) {
  /** Returns whether a session can be resumed. A warm process may not have written its transcript yet. */
  function canResume(workspace: Workspace, id: string): boolean {
    const isKept = ({ purpose, sessionId }: Warm) => purpose.kind === 'kept' && sessionId === id
    return pool.has(workspace, isKept) || hasTranscript(workspace, id)
  }

  function sessionToResume({ session }: RunRequest, workspace: Workspace): string | null {
    switch (session.kind) {
      case 'resume':
        return session.id
      case 'fresh':
        return null
      case 'continue': {
        const last = sessions.last(workspace)
        return last !== null && canResume(workspace, last) ? last : null
      }
      default:
        return session satisfies never
    }
  }

  return {
    canResume,

    async obtain(request: RunRequest, workspace: Workspace, asks = false): Promise<Obtained> {
      let id = sessionToResume(request, workspace)
      const files = startFiles(workspace)
      const standing = readStandingPrompt(standingPrompt)
      if (id === null) {
        const fresh = pool.take(
          workspace,
          ({ purpose, files: then }) =>
            purpose.kind === 'fresh' && then === files && fitsFresh(purpose.profile, request, asks),
        )
        // Repeats options that the process was started with, which has no effect.
        if (fresh) {
          const input = initializeLine(request, standing) + settingLines(withoutInherited(request))
          return { ...fresh, warm: true, input }
        }
      } else {
        const life = launchKey(request, asks)
        const kept = pool.take(
          workspace,
          ({ purpose, files: then, sessionId }) =>
            purpose.kind === 'kept' && sessionId === id && then === files && purpose.life === life,
        )
        if (kept) return { ...kept, warm: true, input: '' }
        // Two processes would write one transcript.
        await pool.drop(warm => warm.sessionId === id)
        // An earlier run may have removed it. A run that asked for this session gets Claude Code's error.
        if (request.session.kind === 'continue' && !hasTranscript(workspace, id)) id = null
      }
      const transcript = id === null ? null : findTranscript(workspace, id)
      const session =
        id === null ? { kind: 'fresh' as const, id: randomUUID() } : { kind: 'resume' as const, id }
      const model = modelToLaunch(request.model, session.kind, workspace)
      return {
        ...launch(workspace, { ...request, model, session, asks }),
        sessionId: session.id,
        files,
        totals: transcript === null ? noTotals : totalsOf(transcript),
        warm: false,
        input: initializeLine(request, standing),
      }
    },
  }
}
