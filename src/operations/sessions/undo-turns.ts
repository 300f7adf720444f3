import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { SessionPlace } from '../../git/session-exec.ts'
import { planReturn, readKeptStates, returnTo } from '../../git/turns/copy-states.ts'
import type { KeptState, KeptStates } from '../../git/turns/kept-states.ts'
import type { PlannedReturn } from '../../git/turns/planned-return.ts'
import { readHistory } from '../../git/turns/turn-history.ts'
import { serviceOf } from '../../stack/inspect.ts'
import { serviceOfSessions } from '../../stack/services.ts'
import type { EngineContext } from '../context.ts'
import { collectFrom, type FoundSession } from './find-sessions.ts'

/** Which state a person goes back to: so many turns, a numbered state, or what the last undo took back. */
export type WantedReturn =
  | { kind: 'undo'; turns: number }
  | { kind: 'undo'; to: number }
  | { kind: 'redo' }

/** A return to show before it is made. */
export type ShownReturn = {
  kind: WantedReturn['kind']
  target: KeptState
  /** Number of turns that it takes back; 0 for a redo. */
  turns: number
  plan: PlannedReturn
}

type UndoContext = Pick<EngineContext, 'engine' | 'signal' | 'log' | 'confirm' | 'canAsk'>

/** Returns the states that the copy of a running session keeps. */
export function keptStates(context: UndoContext, found: FoundSession): Promise<KeptStates> {
  return readKeptStates(placeOf(context, found))
}

/**
 * Puts the copy of a session back to a kept state: files, branch and what was staged. Nothing of the host's
 * repository changes but the session's own references, which follow; their logs keep the commits.
 *
 * @param options.force also in the middle of a turn
 * @param options.show shows what would change; returns false to leave it
 * @returns the state that keeps what was there; null when it was declined
 */
export async function undoTurns(
  context: UndoContext,
  found: FoundSession,
  wanted: WantedReturn,
  options: { force?: boolean; show: (shown: ShownReturn) => Promise<boolean> },
): Promise<{ shown: ShownReturn; wayBack: number } | null> {
  const { log } = context
  const { session } = found.session
  const place = placeOf(context, found)
  const kept = await readKeptStates(place)
  const { target, of, turns } = chooseTarget(kept.states, wanted, session)
  if (kept.running && !options.force && !(await confirmRunning(context, session))) return null
  // So that the repository has the commits that leave the branch. The container may have what the host refuses.
  await collectFrom(context, found).catch(() => false)
  const plan = await planReturn(place, target.number)
  refuseUnfinished(plan)
  const shown = { kind: wanted.kind, target, turns, plan }
  if (!(await options.show(shown))) return null
  const { kind } = wanted
  const wayBack = await returnTo(place, { number: target.number, kind, of, seen: plan.seen })
  if (wayBack === null) {
    throw new UserError(`the copy of session ${session} has changed since it was shown`, {
      hint: 'wait until Claude has finished, then run the command again; nothing was changed',
    })
  }
  await collectFrom(context, found).catch(error => {
    log({ kind: 'warn', text: `session ${session}: ${terminalLine(String(error), 400)}` })
  })
  return { shown, wayBack }
}

function placeOf({ engine, signal }: UndoContext, { session, state }: FoundSession): SessionPlace {
  const service = state && serviceOf(state, serviceOfSessions)
  if (service?.state === 'running') {
    return { address: engine.address, container: service.container, signal }
  }
  throw new UserError(`session ${session.session} is not running`, {
    hint: `run ${command(`session start --detach --name ${session.session}`)}, then run this again`,
  })
}

/** Chooses the state to return to. `of` is what the record of the return names. */
export function chooseTarget(
  states: readonly KeptState[],
  wanted: WantedReturn,
  session: string,
): { target: KeptState; of: number; turns: number } {
  const { turns, undone } = readHistory(states)
  if (wanted.kind === 'redo') {
    if (undone) return { target: undone, of: undone.number, turns: 0 }
    throw new UserError(`session ${session} has no undo to take back`, {
      hint: `${command(`session undo ${session} --list`)} lists the states that it keeps`,
    })
  }
  if ('to' in wanted) {
    const target = states.find(({ number }) => number === wanted.to)
    if (!target) throw notKept(session, `state ${wanted.to}`)
    const taken = turns.filter(({ number }) => number >= target.number).length
    return { target, of: target.number, turns: taken }
  }
  const target = turns.at(-wanted.turns)
  if (target) return { target, of: target.number, turns: wanted.turns }
  if (turns.length > 0) throw notKept(session, `${wanted.turns} turns`)
  throw new UserError(`session ${session} has no turn to undo`, {
    hint: 'a turn can be undone if its prompt was typed at Claude Code of the session',
  })
}

function notKept(session: string, what: string) {
  return new UserError(`session ${session} does not keep ${what}`, {
    hint: `${command(`session undo ${session} --list`)} lists the states that it keeps`,
    exitCode: 2,
  })
}

async function confirmRunning({ confirm, canAsk }: UndoContext, session: string) {
  const question = `Claude has not finished its turn in session ${session}, or it was interrupted. Undo all the same?`
  if (canAsk) return confirm(question, '--force', { byDefault: false })
  throw new UserError(`Claude has not finished its turn in session ${session}`, {
    hint: 'wait for its end, or press Esc there and add --force',
  })
}

function refuseUnfinished({ unfinished, inTheWay }: PlannedReturn) {
  if (unfinished !== null) {
    throw new UserError(`the copy has ${terminalLine(unfinished, 40)} that is not finished`, {
      hint: 'ask Claude to finish or abort it, then run the command again',
    })
  }
  const [path] = inTheWay
  if (path === undefined) return
  const more = inTheWay.length > 1 ? ` and ${inTheWay.length - 1} more` : ''
  throw new UserError(`${terminalLine(path, 200)}${more} would be written over, and is not kept`, {
    hint: 'ignored and very large files are not kept; move it away in the copy, then run the command again',
  })
}
