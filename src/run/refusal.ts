import { UserError } from '../base/errors.ts'
import type { refusals } from './runner-protocol.ts'

export type RefusalReason = (typeof refusals)[number]

/** What the person who asked can do about it, and whether it was wrong to ask. */
const remedies: Record<RefusalReason, { hint: string; exitCode: 1 | 2 }> = {
  busy: { hint: 'wait for its end, or run it again with --wait', exitCode: 1 },
  'no-session': { hint: 'leave --resume out to continue the last run, or begin anew', exitCode: 2 },
  workspace: { hint: 'name a workspace that exists', exitCode: 2 },
  request: { hint: './claude.ts run --help shows what it takes', exitCode: 2 },
  capacity: { hint: 'wait for another run to end, then run it again', exitCode: 1 },
  stopping: { hint: 'run it again: ./claude.ts run brings the worker up', exitCode: 1 },
}

/** A run that was not begun. Nothing was asked of the model. */
export class RunRefusal extends UserError {
  readonly reason: RefusalReason
  /** Id of the run that has the workspace, where that is known. */
  readonly holder: string | null

  constructor(reason: RefusalReason, message: string, holder: string | null = null) {
    const { hint, exitCode } = remedies[reason]
    super(message, {
      hint: holder ? `${hint}, or end it: ./claude.ts run cancel ${holder}` : hint,
      exitCode,
    })
    this.name = 'RunRefusal'
    this.reason = reason
    this.holder = holder
  }
}

export function workspaceBusy(holder: string | null): RunRefusal {
  const which = holder ? ` with run ${holder}` : ''
  return new RunRefusal('busy', `workspace busy${which}`, holder)
}
