import { createDeferred, type Deferred } from '../../base/async.ts'
import type { ToolResult } from '../../run/client-tools.ts'
import type { RunEvent, RunResult } from '../../run/result.ts'
import type { RunnerInput } from '../../run/runner-protocol.ts'
import type { StartedRun } from '../../tenants/run-starter.ts'
import { createAnswerFeed, type Piece, type ToolCall } from './answer-feed.ts'
import { addTokens, type TokenCounts } from './token-counts.ts'

/** How the part of a run that one request sees ends; `text` is what the model said in it. */
export type Outcome = {
  text: string
} /** `earlier`: what the answers before this one have counted. */ & (
  | { kind: 'ended'; result: RunResult; earlier: TokenCounts | null }
  | { kind: 'calls'; calls: ToolCall[]; tokens: TokenCounts }
)

export type TakePiece = (piece: Exclude<Piece, { kind: 'pause' }>) => Promise<void>

/** The part of a run that one request sees. */
type Leg = { take: TakePiece; paused: Deferred<Outcome>; text: string }

/**
 * Divides a run among the requests that follow it: one request gets the calls of the client's tools, the next
 * one brings their results and gets what comes then. In between, the run waits.
 */
export function createLegs() {
  const feed = createAnswerFeed()
  let counted: TokenCounts | null = null
  let leg: Leg | null = null
  let attached = createDeferred<Leg>()
  let send: (input: RunnerInput) => void = () => {}

  async function pass(piece: Piece) {
    const current = leg ?? (await attached.promise)
    if (piece.kind !== 'pause') {
      if (piece.kind === 'text') current.text += piece.text
      return current.take(piece)
    }
    leg = null
    attached = createDeferred()
    const { calls, tokens } = piece
    counted = addTokens(counted, tokens)
    current.paused.resolve({ kind: 'calls', calls, tokens, text: current.text })
  }

  return {
    onConnected: (given: (input: RunnerInput) => void) => {
      send = given
    },

    async onEvent(event: RunEvent): Promise<void> {
      for (const piece of feed.take(event)) await pass(piece)
    },

    /** Passes on what comes next, until the run has ended or waits for results. */
    next(run: StartedRun, take: TakePiece): Promise<Outcome> {
      const next: Leg = { take, paused: createDeferred(), text: '' }
      leg = next
      attached.resolve(next)
      const ended = run.read.then(async (): Promise<Outcome> => {
        const result = await run.result
        return { kind: 'ended', result, text: next.text, earlier: counted }
      })
      return Promise.race([next.paused.promise, ended])
    },

    deliver(results: readonly ToolResult[]) {
      for (const result of results) send({ kind: 'tool-result', ...result })
    },
  }
}
