import type { RunResult } from '../../run/result.ts'
import type { TokenCounts } from './token-counts.ts'

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** What all parts of one answer have in common. */
export type CompletionHead = {
  id: string
  /** Seconds. */
  created: number
  model: string
}

export function completionHead(runId: string, model: string, now: Date): CompletionHead {
  return { id: `chatcmpl-${runId}`, created: Math.floor(now.getTime() / 1_000), model }
}

/** Counts tokens as OpenAI does: those that came from a cache are prompt tokens too. */
export function usageOf({ input, cacheCreation, cacheRead, output }: TokenCounts) {
  const prompt = input + cacheCreation + cacheRead
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: cacheRead },
  }
}

/** Returns the text of a run that ended: its last message, or the answer in the form of the schema. */
export function textOfResult({ claude }: Pick<RunResult, 'claude'>): string {
  if (claude && 'structured_output' in claude) return JSON.stringify(claude.structured_output)
  return typeof claude?.result === 'string' ? claude.result : ''
}

/** Claude Code ends with `tool_use` after an answer in the form of a schema, which is a whole answer. */
export function finishReasonOf({ claude }: Pick<RunResult, 'claude'>): FinishReason {
  switch (claude?.stop_reason) {
    case 'max_tokens':
      return 'length'
    case 'refusal':
      return 'content_filter'
    default:
      return 'stop'
  }
}

export type Message = { role: 'assistant'; content: string | null; [more: string]: unknown }

export function completion(
  head: CompletionHead,
  { message, finish, tokens }: { message: Message; finish: FinishReason; tokens: TokenCounts },
) {
  return {
    ...{ id: head.id, object: 'chat.completion', created: head.created, model: head.model },
    choices: [
      { index: 0, message: { refusal: null, ...message }, logprobs: null, finish_reason: finish },
    ],
    usage: usageOf(tokens),
  }
}

/** One part of a streamed answer. `finish` is null in all but the last. */
export function chunk(
  head: CompletionHead,
  delta: object,
  finish: FinishReason | null = null,
): object {
  return {
    ...{ id: head.id, object: 'chat.completion.chunk', created: head.created, model: head.model },
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  }
}

/** The last part of a stream whose client asked for the usage. */
export function usageChunk(head: CompletionHead, tokens: TokenCounts): object {
  return { ...chunk(head, {}), choices: [], usage: usageOf(tokens) }
}
