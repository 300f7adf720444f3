import { randomUUID } from 'node:crypto'
import type { RunRequest } from '../../run/request.ts'
import type { Launch } from '../claude/launch.ts'
import { fitsFresh, launchKey, startFiles } from '../claude/launch.ts'
import { modelToLaunch, withoutInherited } from '../claude/model.ts'
import { initializeLine, readStandingPrompt, settingLines } from '../claude/process.ts'
import { findTranscript, hasTranscript, type Sessions } from '../claude/sessions.ts'
import { noTotals, totalsOf } from '../turn/cost.ts'
import type { Workspace } from '../workspace.ts'
import { digestOfOpening, type Opening } from './openings.ts'
import type { Pool, Warm } from './pool.ts'

export type Obtained = Omit<Warm, 'purpose' | 'workspace'> & {
  warm: boolean
  /** Input for its stdin before the prompt. */
  input: string
  /** The opening of the run, which its process may have taken before. */
  opening: Opening
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
      const opening = openingOf(request, readStandingPrompt(standingPrompt))
      if (id === null) {
        const digest = digestOfOpening(opening.text)
        const fresh = pool.take(
          workspace,
          ({ purpose, files: then }) =>
            purpose.kind === 'fresh' &&
            then === files &&
            (purpose.opening === null || purpose.opening === digest) &&
            fitsFresh(purpose.profile, request, asks),
        )
        if (fresh) {
          const isOpened = fresh.purpose.kind === 'fresh' && fresh.purpose.opening !== null
          // Repeats options that the process was started with, which has no effect.
          const settings = settingLines(withoutInherited(request))
          return { ...fresh, warm: true, opening, input: (isOpened ? '' : opening.text) + settings }
        }
      } else {
        const life = launchKey(request, asks)
        const kept = pool.take(
          workspace,
          ({ purpose, files: then, sessionId }) =>
            purpose.kind === 'kept' && sessionId === id && then === files && purpose.life === life,
        )
        if (kept) return { ...kept, warm: true, opening, input: '' }
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
        opening,
        input: opening.text,
      }
    },
  }
}

/** Claude asks for the tools of a client as soon as it knows of them, and only a run answers. */
function openingOf(request: RunRequest, standing: string | null): Opening {
  return {
    text: initializeLine(request, standing),
    isEarly: (request.clientTools ?? []).length === 0,
  }
}
