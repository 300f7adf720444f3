import { parseDuration } from '../../base/duration.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { renderDirectAttempt } from '../../egress/direct-names.ts'
import { renderDecision } from '../../egress/proxy-log.ts'
import { openEngine } from '../../operations/context.ts'
import { type EgressEntry, readEgressLog } from '../../operations/egress-log.ts'
import { currentStack } from '../../operations/find-stacks.ts'
import { serviceOf } from '../../stack/inspect.ts'
import { serviceOfEgress } from '../../stack/services.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'

export type LogOptions = { denied?: boolean; follow?: boolean; json?: boolean; since?: string }

/**
 * Prints the decisions of the proxy of this folder's stack, and the names that were asked without it, line by
 * line: a log may exceed memory.
 */
export async function log(options: LogOptions, invocation: Invocation) {
  const since = options.since === undefined ? null : parseSince(options.since, new Date())
  const { engine, signal } = await openEngine(invocation)
  const state = await currentStack({ engine })
  if (!serviceOf(state, serviceOfEgress)) {
    throw new UserError(`${state.stack} has no proxy`, { hint: `run ${calledAs()} start` })
  }
  await readEgressLog(
    engine,
    state,
    { since: since && since.getTime() / 1000, follow: options.follow ?? false, signal },
    {
      onEntry(entry) {
        if (options.denied && entry.verdict === 'allowed') return
        console.log(options.json ? renderJson(entry) : renderEntry(entry))
      },
      onLeftOut: number =>
        void console.error(`left out ${number} older names that were asked without the proxy`),
    },
  )
}

function renderEntry(entry: EgressEntry) {
  return entry.verdict === 'blocked' ? renderDirectAttempt(entry) : renderDecision(entry)
}

/** JSON escapes control characters below ASCII 128; Squid encodes the bytes above. */
function renderJson(entry: EgressEntry) {
  return terminalLine(JSON.stringify(entry), Infinity)
}

/** Parses a duration, such as `10m` ago, or a time in ISO 8601. */
export function parseSince(text: string, now: Date): Date {
  const seconds = parseDuration(text)
  if (seconds !== null) return new Date(now.getTime() - seconds * 1000)
  const moment = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (!Number.isNaN(moment) && moment >= 0) return new Date(moment)
  throw new UserError(`--since ${terminalLine(text, 40)} is neither a duration nor a time`, {
    hint: 'use --since 10m, or --since 2026-11-21T18:00:00Z',
    exitCode: 2,
  })
}
