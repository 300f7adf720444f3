import * as z from 'zod'
import type { RunResult } from '../../run/result.ts'

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

/** What all parts of one answer have in common. */
export type CompletionHead = {
  id: string
  /** Seconds. */
  created: number
  model: string
}

const tokens = z.number().min(0).catch(0)
const Counted = z.looseObject({
  input_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_read_input_tokens: tokens,
  output_tokens: tokens,
})

export function completionHead(runId: string, model: string, now: Date): CompletionHead {
  return { id: `chatcmpl-${runId}`, created: Math.floor(now.getTime() / 1_000), model }
}

/** Counts the tokens of a run as OpenAI does: those that came from a cache are prompt tokens too. */
export function usageOf({ claude }: Pick<RunResult, 'claude'>) {
  const counted = Counted.safeParse(claude?.usage)
  const usage = counted.success ? counted.data : null
  const cached = usage?.cache_read_input_tokens ?? 0
  const prompt = (usage?.input_tokens ?? 0) + (usage?.cache_creation_input_tokens ?? 0) + cached
  const completion = usage?.output_tokens ?? 0
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  }
}
export type Usage = ReturnType<typeof usageOf>

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

export function addUsage(one: Usage | null, other: Usage): Usage {
  return one ? combined(one, other, (a, b) => a + b) : other
}

/** Returns the usage of the rest of a run, of which earlier answers counted a part. */
export function usageWithout(all: Usage, earlier: Usage | null): Usage {
  return earlier ? combined(all, earlier, (a, b) => Math.max(0, a - b)) : all
}

function combined(one: Usage, other: Usage, combine: (a: number, b: number) => number): Usage {
  const prompt = combine(one.prompt_tokens, other.prompt_tokens)
  const completion = combine(one.completion_tokens, other.completion_tokens)
  const [cached, before] = [one, other].map(usage => usage.prompt_tokens_details.cached_tokens)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: combine(cached ?? 0, before ?? 0) },
  }
}

export type Message = { role: 'assistant'; content: string | null; [more: string]: unknown }

export function completion(
  head: CompletionHead,
  { message, finish, usage }: { message: Message; finish: FinishReason; usage: Usage },
) {
  return {
    ...{ id: head.id, object: 'chat.completion', created: head.created, model: head.model },
    choices: [
      { index: 0, message: { refusal: null, ...message }, logprobs: null, finish_reason: finish },
    ],
    usage,
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
export function usageChunk(head: CompletionHead, usage: Usage): object {
  return { ...chunk(head, {}), choices: [], usage }
}
