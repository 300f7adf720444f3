import type { ToolCall } from './answer-feed.ts'
import {
  type CompletionHead,
  completion,
  type FinishReason,
  finishReasonOf,
  textOfResult,
} from './completion.ts'
import type { Outcome } from './legs.ts'
import { failureOf } from './run-failure.ts'
import { type TokenCounts, tokensOf, tokensWithout } from './token-counts.ts'

/** The answer to one request. */
export type Answer = {
  text: string
  calls: readonly ToolCall[]
  finish: FinishReason
  tokens: TokenCounts
  /** Null while the run waits for results. */
  sessionId: string | null
}

/**
 * Builds the answer from how the run ended; throws the error of a run that failed.
 *
 * @param isStreamed whether the client got the text on the way, which is then all that the model said
 */
export function answerOf(outcome: Outcome, { isStreamed }: { isStreamed: boolean }): Answer {
  const { text } = outcome
  if (outcome.kind === 'calls') {
    const { calls, tokens } = outcome
    return { text, calls, finish: 'tool_calls', tokens, sessionId: null }
  }
  const { result, earlier } = outcome
  const failure = failureOf(result)
  if (failure) throw failure
  return {
    text: (isStreamed && text) || textOfResult(result),
    calls: [],
    finish: finishReasonOf(result),
    tokens: tokensWithout(tokensOf(result), earlier),
    sessionId: result.sessionId,
  }
}

/** Renders an answer that is sent as a whole. */
export function renderAnswer(head: CompletionHead, { text, calls, finish, tokens }: Answer) {
  const content = calls.length > 0 ? text || null : text
  const more = calls.length > 0 ? { tool_calls: calls.map(shownCall) } : {}
  return completion(head, { message: { role: 'assistant', content, ...more }, finish, tokens })
}

export function shownCall({ id, name, arguments: input }: ToolCall) {
  return { id, type: 'function', function: { name, arguments: input } }
}
