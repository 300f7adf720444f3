import * as z from 'zod'
import { clientToolPrefix } from '../../run/client-tools.ts'
import type { RunEvent } from '../../run/result.ts'
import { createTextFeed } from './text-feed.ts'
import { type TokenCounts, tokensOf } from './token-counts.ts'

/** A call of one of the client's tools. `arguments` is JSON, as the model wrote it. */
export type ToolCall = { id: string; name: string; arguments: string }

/** A piece of an answer, in the order in which the model writes it. */
export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'call'; index: number; id: string; name: string }
  | { kind: 'arguments'; index: number; text: string }
  /** The run waits for the results of these calls. */
  | { kind: 'pause'; calls: ToolCall[]; tokens: TokenCounts }

const ToolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string().startsWith(clientToolPrefix),
})
const Event = z.looseObject({ type: z.string(), index: z.number().optional() })
const Delta = z.object({ type: z.literal('input_json_delta'), partial_json: z.string() })
const Assistant = z.looseObject({
  content: z.array(z.unknown()),
  stop_reason: z.string().nullish(),
})
const Input = z.object({ input: z.unknown() })

/** Reads text and calls of the client's tools from the events of a run. Those of subagents are left out. */
export function createAnswerFeed() {
  const texts = createTextFeed()
  let calls: ToolCall[] = []
  /** The call of each block of the message in progress. */
  let blocks = new Map<number, number>()
  let usage: Record<string, unknown> = {}

  function begin(block: unknown, at: number | null): Piece[] {
    const tool = ToolUse.safeParse(block)
    if (!tool.success || calls.some(({ id }) => id === tool.data.id)) return []
    const name = tool.data.name.slice(clientToolPrefix.length)
    const index = calls.push({ id: tool.data.id, name, arguments: '' }) - 1
    if (at !== null) blocks.set(at, index)
    return [{ kind: 'call', index, id: tool.data.id, name }]
  }

  function add(index: number, text: string): Piece[] {
    const call = calls[index]
    if (!call || text === '') return []
    call.arguments += text
    return [{ kind: 'arguments', index, text }]
  }

  /** Completes calls that came without pieces. */
  function complete({ content }: z.infer<typeof Assistant>): Piece[] {
    return content.flatMap(block => {
      const begun = begin(block, null)
      const tool = ToolUse.safeParse(block)
      const index = calls.findIndex(({ id }) => tool.success && id === tool.data.id)
      if (calls[index]?.arguments !== '') return begun
      const { input } = Input.parse(block)
      return [...begun, ...add(index, JSON.stringify(input ?? {}))]
    })
  }

  function pause(): Piece[] {
    if (calls.length === 0) return []
    const paused: Piece = { kind: 'pause', calls, tokens: tokensOf({ claude: { usage } }) }
    calls = []
    return [paused]
  }

  function takeStreamed(given: unknown): Piece[] {
    const event = Event.safeParse(given)
    if (!event.success) return []
    const { type, index = 0, content_block, delta, message, usage: counted } = event.data
    switch (type) {
      case 'message_start':
        blocks = new Map()
        usage = recordOf(recordOf(message).usage)
        return []
      case 'content_block_start':
        return begin(content_block, index)
      case 'content_block_delta': {
        const part = Delta.safeParse(delta)
        return part.success ? add(blocks.get(index) ?? -1, part.data.partial_json) : []
      }
      case 'message_delta':
        usage = { ...usage, ...recordOf(counted) }
        return []
      case 'message_stop':
        return pause()
      default:
        return []
    }
  }

  return {
    take(event: RunEvent): Piece[] {
      const text = texts.take(event)
      const pieces: Piece[] = text === '' ? [] : [{ kind: 'text', text }]
      if (event.kind !== 'claude') return pieces
      const { message } = event
      if (typeof message.parent_tool_use_id === 'string') return pieces
      if (message.type === 'stream_event') return [...pieces, ...takeStreamed(message.event)]
      const whole = message.type === 'assistant' ? Assistant.safeParse(message.message) : null
      if (!whole?.success) return pieces
      // Only a message that did not come in pieces has its reason to stop here.
      const isLast = whole.data.stop_reason === 'tool_use'
      return [...pieces, ...complete(whole.data), ...(isLast ? pause() : [])]
    },
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
