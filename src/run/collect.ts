import * as z from 'zod'
import { failureOf, type RunFailure } from './failure.ts'
import type { RunResult } from './result.ts'
import type { ClaudeMessage, RunnerEvent } from './runner-protocol.ts'
import { type Turn, turnOf } from './turns.ts'

/** Bounds on the turns of a result: a run may take a day. */
const turnLimit = 10_000
const turnCharacters = 32 * 1024 * 1024
/** Added for each block of a turn: many empty ones take memory, too. */
const blockCharacters = 64

/** The memory for the turns of several runs, in characters. */
export type TurnRoom = {
  /** Returns false when there is no room for so many more. */
  take: (characters: number) => boolean
  give: (characters: number) => void
}

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

/** The ending of a run: the runner's last event, or the engine's own observation. */
export type RunEnding =
  | Ended
  | { kind: 'lost'; reason: string }
  /** The engine or the runner refused the run after its start had been acknowledged. */
  | { kind: 'refused'; words: string }
  /** The runner ended the run on its own. */
  | { kind: 'stopped' }
  /** The runner did not end a run that had timed out. */
  | { kind: 'given-up'; after: number }
  /** The runner did not confirm that a run stopped which was to be cancelled: it may go on. */
  | { kind: 'unconfirmed' }
  /** The process that watched the run died. */
  | { kind: 'interrupted' }

/** Builds a run's result from its events. Call `release` when the result is stored. */
export function createCollector(
  run: {
    runId: string
    workspace: string
    startedAt: string
    timeoutSeconds: number
  },
  room?: TurnRoom,
) {
  let sessionId: string | null = null
  let meter: string | null = null
  let system: RunResult['system'] = null
  let claude: RunResult['claude'] = null
  let retry: { status: number | null; error: string } | null = null
  let isAnswered = false
  let costUsd: number | null = null
  let characters = 0
  let isCut = false
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
    // The retry succeeded.
    retry = null
    const turn = turnOf(message)
    if (!turn || isCut) return
    const more = JSON.stringify(turn).length + blockCharacters * turn.content.length
    // The first turn without room is the last one looked at: a result has no gaps.
    isCut = turns.length >= turnLimit || characters + more > turnCharacters || !hasRoom(more)
    if (isCut) return
    characters += more
    turns.push(turn)
  }
  const hasRoom = (more: number) => room?.take(more) ?? true

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

    /** Returns whether turns of the run are missing in its result. */
    isCut: () => isCut,

    /** Gives the memory of the turns back. */
    release() {
      room?.give(characters)
      characters = 0
    },

    result(ending: RunEnding, endedAt: string): RunResult {
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

  function verdict(ending: RunEnding): Verdict {
    switch (ending.kind) {
      case 'lost':
        return failed({ code: 'connection-lost', words: ending.reason })
      case 'refused':
        return failed({ code: 'refused', words: ending.words })
      case 'stopped':
        return failed({ code: 'worker-stopped' })
      case 'given-up':
        return timedOut('worker-timeout', ending.after)
      case 'interrupted':
        return { status: 'interrupted', error: { code: 'interrupted' } }
      case 'unconfirmed':
        return failed({ code: 'cancel-unconfirmed' })
      case 'ended':
        return judged(ending)
      default:
        return ending satisfies never
    }
  }

  function judged(ended: Ended): Verdict {
    switch (ended.outcome) {
      case 'completed': {
        if (!claude) return failed({ code: 'no-result' })
        const failure = failureOf(claude)
        return failure ? failed(failure) : { status: 'succeeded', error: null }
      }
      case 'cancelled':
        return { status: 'cancelled', error: { code: 'cancelled' } }
      case 'timed-out':
        return timedOut('timed-out', run.timeoutSeconds)
      case 'failed':
        // The runner ended the run because the API did not answer in time.
        return retry && ended.error
          ? failed({ code: 'api-gave-up', words: ended.error, status: retry.status })
          : failed({ code: 'claude-ended', words: ended.error ?? exitOf(ended) })
      default:
        return ended.outcome satisfies never
    }
  }

  function timedOut(code: 'timed-out' | 'worker-timeout', seconds: number): Verdict {
    const last = retry === null ? null : String(retry.status ?? retry.error)
    // Claude Code sends no message while it waits for an answer. Its first message shows that it started.
    const silent = last === null && system !== null && !isAnswered
    return { status: 'timed-out', error: { code, seconds, retry: last, silent } }
  }
}

type Verdict = Pick<RunResult, 'status' | 'error'>

function failed(error: RunFailure): Verdict {
  return { status: 'failed', error }
}

function exitOf({ exitCode, signal }: Ended) {
  return signal ? `it was ended by ${signal}` : `it ended with ${exitCode ?? 'no exit status'}`
}

/**
 * Returns the cost since the previous result. Claude Code sums `total_cost_usd` over a resumed session,
 * and over a process that served earlier runs.
 */
function costOf(result: ClaudeMessage): number | null {
  const models = SinceLast.safeParse(result.model_usage_since_last_result)
  if (models.success) {
    return Object.values(models.data).reduce((sum, { costUSD }) => sum + costUSD, 0)
  }
  return typeof result.total_cost_usd === 'number' ? result.total_cost_usd : null
}
