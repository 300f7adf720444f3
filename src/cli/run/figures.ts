import * as z from 'zod'
import type { ClaudeMessage } from '../../run/runner-protocol.ts'

const Usage = z.object({
  message: z.object({
    id: z.string(),
    usage: z.object({ input_tokens: z.number(), output_tokens: z.number() }),
    content: z.array(z.unknown()).default([]),
  }),
})
const Delta = z.object({
  event: z.object({
    type: z.literal('message_delta'),
    usage: z.object({ output_tokens: z.number() }),
  }),
})
const ToolUse = z.object({
  type: z.literal('tool_use'),
  name: z.string(),
  input: z.record(z.string(), z.unknown()).default({}),
})
const Retry = z.object({ subtype: z.literal('api_retry'), attempt: z.number() })
const Result = z.object({ type: z.literal('result'), total_cost_usd: z.number() })

/** What a run is doing and what it has used, from its messages. Its texts are not fit for a terminal yet. */
export function createFigures() {
  let doing = 'waiting for the model'
  let output = 0
  let cost: number | null = null
  /** Claude Code tells the usage of one answer with each of its blocks. */
  const input = new Map<string, number>()

  return {
    /** Whether there is something new to show. */
    add(message: ClaudeMessage): boolean {
      const delta = Delta.safeParse(message)
      if (delta.success) {
        output += delta.data.event.usage.output_tokens
        return true
      }
      const retry = Retry.safeParse(message)
      if (retry.success) {
        doing = `the model API did not answer, attempt ${retry.data.attempt}`
        return true
      }
      const result = Result.safeParse(message)
      if (result.success) cost = result.data.total_cost_usd
      const usage = message.type === 'assistant' ? Usage.safeParse(message) : null
      if (!usage?.success) return false
      const { id, usage: used, content } = usage.data.message
      input.set(id, used.input_tokens)
      const uses = content.map(block => ToolUse.safeParse(block)).findLast(use => use.success)
      doing = uses?.data ? describeUse(uses.data) : 'answering'
      return true
    },

    doing: () => doing,

    spent(): string[] {
      const tokens = [...input.values()].reduce((sum, count) => sum + count, output)
      return [
        ...(tokens > 0 ? [`${renderTokens(tokens)} tokens`] : []),
        ...(cost === null ? [] : [`$${cost.toFixed(4)}`]),
      ]
    },
  }
}

/** The tool, and the first thing that its input says: a command, a file, a pattern. */
export function describeUse({ name, input }: Omit<z.infer<typeof ToolUse>, 'type'>): string {
  const { command, file_path, pattern, url, description } = input
  const what = [command, file_path, pattern, url, description].find(
    value => typeof value === 'string',
  )
  return what === undefined ? name : `${name}: ${what}`
}

function renderTokens(count: number) {
  return count < 1_000 ? `${count}` : `${(count / 1_000).toFixed(1)}k`
}
