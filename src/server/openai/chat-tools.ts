import * as z from 'zod'
import {
  type ClientTool,
  ClientTools,
  ToolCallId,
  type ToolResult,
} from '../../run/client-tools.ts'
import type { ChatBody, ChatMessage } from './chat-body.ts'
import { blocksOf } from './content.ts'
import { badRequest } from './openai-error.ts'

const FunctionTool = z.object({
  type: z.literal('function', { error: 'only functions can be tools' }),
  function: z.object({
    name: z.string(),
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullish(),
  }),
})

const Choice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
])

/** The tools of a request, and what the model is told about its choice among them. */
export type ChosenTools = { tools: ClientTool[]; instruction: string | null }

/** Reads `tools` and `tool_choice`. */
export function readTools({
  tools: given,
  tool_choice: chosen,
}: Pick<ChatBody, 'tools' | 'tool_choice'>): ChosenTools {
  const tools = (given ?? []).map((tool, index) => {
    const parsed = FunctionTool.safeParse(tool)
    if (!parsed.success) throw wrong(parsed.error, `tools.${index}`)
    const { name, description, parameters } = parsed.data.function
    return { name, description: description ?? '', inputSchema: parameters ?? {} }
  })
  const checked = ClientTools.safeParse(tools)
  if (!checked.success) throw wrong(checked.error, 'tools')
  const choice = Choice.safeParse(chosen ?? 'auto')
  if (!choice.success) throw badRequest('tool_choice is not valid', 'tool_choice')
  if (choice.data === 'none' || tools.length === 0) return { tools: [], instruction: null }
  if (choice.data === 'auto') return { tools: checked.data, instruction: null }
  const names = tools.map(({ name }) => name)
  const [named] = choice.data === 'required' ? [null] : [choice.data.function.name]
  if (named !== null && !names.includes(named)) {
    throw badRequest(`tool_choice names ${named.slice(0, 64)}, which is not a tool`, 'tool_choice')
  }
  const which = named === null ? `one of the tools ${names.join(', ')}` : `the tool ${named}`
  return {
    tools: checked.data,
    instruction: `Before you answer, call ${which} of the MCP server "client".`,
  }
}

/** Returns the results at the end of a conversation. Text of the user after them goes with the last one. */
export function readToolResults(messages: readonly ChatMessage[]): ToolResult[] {
  const begin = messages.findLastIndex(({ role }) => role === 'assistant') + 1
  const results: ToolResult[] = []
  for (const [index, message] of messages.entries()) {
    if (index < begin) continue
    const { role, content, tool_call_id: given } = message
    const isError = message.is_error === true
    const parts = blocksOf(content, `messages.${index}.content`).flatMap(
      (block): ToolResult['content'] => {
        if (block.type === 'text') return [block]
        if (block.type !== 'image') return []
        return [{ type: 'image', mimeType: block.source.media_type, data: block.source.data }]
      },
    )
    const id = ToolCallId.safeParse(given)
    const last = results.at(-1)
    if (role === 'tool' && id.success) results.push({ id: id.data, content: parts, isError })
    else if (role === 'user' && last)
      last.content.push({ type: 'text', text: 'The user says:' }, ...parts)
  }
  return results
}

function wrong(error: z.ZodError, param: string) {
  const [issue] = error.issues
  const at = [param, ...(issue?.path ?? [])].join('.')
  return badRequest(`${at}: ${issue?.message ?? 'is not valid'}`, at)
}
