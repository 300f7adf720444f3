import * as z from 'zod/mini'

const block = z.looseObject({ type: z.string() })
const content = z.union([z.string(), z.array(block)])

/**
 * The members of a Messages API request that a scripted answer needs. Loose: Claude Code sends more
 * with every version, and a rehearsal must not fail on it.
 */
export const MessagesRequest = z.looseObject({
  model: z._default(z.string(), 'unnamed'),
  stream: z._default(z.boolean(), false),
  messages: z._default(z.array(z.looseObject({ role: z.string(), content })), []),
  system: z.optional(content),
  tools: z._default(z.array(z.looseObject({ name: z.optional(z.string()) })), []),
  output_config: z.nullish(
    z.looseObject({ format: z.nullish(z.looseObject({ schema: z.unknown() })) }),
  ),
})
export type MessagesRequest = z.infer<typeof MessagesRequest>

/** A tool's result, as text. */
export interface ToolResult {
  text: string
  failed: boolean
}

/** The user's last prompt and the tool results since then, oldest first. */
export interface Turn {
  prompt: string
  results: ToolResult[]
}

const reminder = /<system-reminder>[\s\S]*?(<\/system-reminder>|$)/g

/** Returns the current turn. Skips Claude Code's reminders, which are not the user's words. */
export function currentTurn(request: MessagesRequest): Turn {
  const results: ToolResult[] = []
  const users = request.messages.filter(message => message.role === 'user')
  for (const message of users.toReversed()) {
    const blocks = asBlocks(message.content)
    const found = blocks.filter(({ type }) => type === 'tool_result').map(toolResult)
    results.unshift(...found)
    const prompt = textOf(blocks).replace(reminder, '').trim()
    if (prompt && found.length === 0) return { prompt, results }
  }
  return { prompt: '', results }
}

export function offersTool(request: MessagesRequest, name: string): boolean {
  return request.tools.some(tool => tool.name === name)
}

/** Returns the input schema of the tool with this name, or undefined. */
export function toolSchema(request: MessagesRequest, name: string): unknown {
  return request.tools.find(tool => tool.name === name)?.input_schema
}

/** Returns the working directory that Claude Code states anywhere in the request. */
export function workingDirectory(request: MessagesRequest): string | undefined {
  const places = [request.system ?? '', ...request.messages.map(message => message.content)]
  for (const place of places) {
    const found = /working directory: (\/[^\n]*)/i.exec(textOf(asBlocks(place)))
    if (found?.[1]) return found[1].trim()
  }
  return undefined
}

type Block = z.infer<typeof block>

function asBlocks(value: string | Block[]): Block[] {
  return typeof value === 'string' ? [{ type: 'text', text: value }] : value
}

function textOf(blocks: Block[]): string {
  return blocks.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])).join('\n')
}

function toolResult(result: Block): ToolResult {
  const parsed = content.safeParse(result.content)
  return {
    text: parsed.success ? textOf(asBlocks(parsed.data)) : '',
    failed: result.is_error === true,
  }
}
