import * as z from 'zod'
import { connectionHint, failureOf, gaveUp, type RunFailure } from './failure.ts'
import type { RunResult, Turn } from './result.ts'
import type { ClaudeMessage, RunnerEvent } from './runner-protocol.ts'
import { turnOf } from './turns.ts'

/** A run may go on for a day: what is kept of its turns is bounded. */
const turnLimit = 10_000
const turnCharacters = 32 * 1024 * 1024

const Init = z.object({
  subtype: z.literal('init'),
  session_id: z.string(),
  model: z.string().default(''),
  cwd: z.string().default(''),
  tools: z.array(z.string()).default([]),
})
const Retry = z.object({
  subtype: z.literal('api_retry'),
  error_status: z.number().nullish(),
  error: z.string().nullish(),
})
const SinceLast = z.record(z.string(), z.object({ costUSD: z.number() }))

type Ended = Extract<RunnerEvent, { kind: 'ended' }>

/** How a run ended besides the runner's own word: the watcher's. */
export type Ending =
  | Ended
  | { kind: 'lost'; reason: string }
  /** The runner ended it by itself. */
  | { kind: 'stopped' }
  /** The runner did not end what had no time left. */
  | { kind: 'given-up'; after: number }
  /** The runner did not say that a cancelled run is gone. */
  | { kind: 'unconfirmed' }
  /** Whoever watched over it died. */
  | { kind: 'interrupted' }

/** Puts a run's result together from its events. */
export function createCollector(run: {
  runId: string
  workspace: string
  startedAt: string
  timeoutSeconds: number
}) {
  let sessionId: string | null = null
  let meter: string | null = null
  let system: RunResult['system'] = null
  let claude: RunResult['claude'] = null
  let retry: { status: number | null; error: string } | null = null
  let isAnswered = false
  let costUsd: number | null = null
  let characters = 0
  const turns: Turn[] = []

  const addSystem = (message: ClaudeMessage) => {
    const init = Init.safeParse(message)
    if (init.success) {
      const { session_id, model, cwd, tools } = init.data
      system = { sessionId: session_id, model, cwd, tools }
      sessionId ??= session_id
    }
    const retried = Retry.safeParse(message)
    if (retried.success) {
      const { error_status, error } = retried.data
      retry = { status: error_status ?? null, error: error ?? 'no reason given' }
    }
  }

  const addResult = (message: ClaudeMessage) => {
    claude = message
    const cost = costOf(message)
    if (cost !== null) costUsd = (costUsd ?? 0) + cost
  }

  const addTurn = (message: ClaudeMessage) => {
    // What was retried has succeeded.
    retry = null
    const turn = turnOf(message)
    if (!turn || turns.length >= turnLimit) return
    characters += JSON.stringify(turn).length
    if (characters <= turnCharacters) turns.push(turn)
  }

  return {
    started(event: { sessionId: string; meter: string | null }) {
      sessionId = event.sessionId
      meter = event.meter
    },

    add(message: ClaudeMessage) {
      isAnswered ||= message.type === 'stream_event' || message.type === 'assistant'
      if (message.type === 'system') addSystem(message)
      else if (message.type === 'result') addResult(message)
      else addTurn(message)
    },

    result(ending: Ending, endedAt: string): RunResult {
      const { status, error } = verdict(ending)
      return {
        runId: run.runId,
        workspace: run.workspace,
        status,
        sessionId,
        startedAt: run.startedAt,
        endedAt,
        error,
        claude,
        turns,
        system,
        meter,
        costUsd,
      }
    },
  }

  function verdict(ending: Ending): Pick<RunResult, 'status' | 'error'> {
    switch (ending.kind) {
      case 'lost':
        return failed({
          message: `the connection to the worker was lost: ${ending.reason}`,
          hint: './claude.ts status shows whether the stack still runs; run it again',
        })
      case 'stopped':
        return failed({
          message: 'the worker was stopped while the run went on',
          hint: 'run it again: that brings the worker up',
        })
      case 'given-up':
        return timedOut(`the worker did not end the run within ${ending.after} s`)
      case 'interrupted':
        return {
          status: 'interrupted',
          error: {
            message: 'interrupted: the process that watched over the run died, and the run with it',
            hint: 'run it again to go on where it was',
            apiErrorStatus: null,
          },
        }
      case 'unconfirmed':
        return cancelled(
          'the run was cancelled, and the worker did not say that it is gone',
          './claude.ts stop ends the worker and all that is in it',
        )
      case 'ended':
        return judged(ending)
      default:
        return ending satisfies never
    }
  }

  function judged(ended: Ended): Pick<RunResult, 'status' | 'error'> {
    switch (ended.outcome) {
      case 'completed': {
        if (!claude) return failed({ message: 'Claude Code gave no result', hint: logsHint() })
        const failure = failureOf(claude)
        return failure ? { status: 'failed', error: failure } : { status: 'succeeded', error: null }
      }
      case 'cancelled':
        return cancelled('the run was cancelled', 'run it again to go on where it was')
      case 'timed-out':
        return timedOut(`the run did not end within ${run.timeoutSeconds} s`)
      case 'failed':
        // The runner ended it, because the API let it wait too long.
        if (retry && ended.error)
          return { status: 'failed', error: gaveUp(ended.error, retry.status) }
        return failed({
          message: `Claude Code ended without a result: ${ended.error ?? exitOf(ended)}`,
          hint: logsHint(),
        })
      default:
        return ended.outcome satisfies never
    }
  }

  function timedOut(message: string): Pick<RunResult, 'status' | 'error'> {
    if (retry !== null) {
      const because = `for the model API did not answer (${retry.status ?? retry.error})`
      return asTimedOut(`${message}, ${because}`, logsHint())
    }
    const more = 'give it more time with --timeout'
    // Claude Code waits for an answer without a word. Whether it began at all is in its first message.
    return system !== null && !isAnswered
      ? asTimedOut(
          `${message}, and the model API sent no answer in that time`,
          `${more}; ${connectionHint}`,
        )
      : asTimedOut(message, more)
  }

  function logsHint() {
    return `./claude.ts run logs ${run.runId} shows what it did`
  }
}

function failed(failure: Omit<RunFailure, 'apiErrorStatus'>): Pick<RunResult, 'status' | 'error'> {
  return { status: 'failed', error: { ...failure, apiErrorStatus: null } }
}

function asTimedOut(message: string, hint: string): Pick<RunResult, 'status' | 'error'> {
  return { status: 'timed-out', error: { message, hint, apiErrorStatus: null } }
}

function cancelled(message: string, hint: string): Pick<RunResult, 'status' | 'error'> {
  return { status: 'cancelled', error: { message, hint, apiErrorStatus: null } }
}

function exitOf({ exitCode, signal }: Ended) {
  return signal ? `it was ended by ${signal}` : `it ended with ${exitCode ?? 'no exit status'}`
}

/**
 * Since the result before it. `total_cost_usd` is reckoned over the session when that was resumed, and
 * over the process when that served other runs before.
 */
function costOf(result: ClaudeMessage): number | null {
  const models = SinceLast.safeParse(result.model_usage_since_last_result)
  if (models.success) {
    return Object.values(models.data).reduce((sum, { costUSD }) => sum + costUSD, 0)
  }
  return typeof result.total_cost_usd === 'number' ? result.total_cost_usd : null
}
