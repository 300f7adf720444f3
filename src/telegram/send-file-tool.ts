import * as z from 'zod'
import { type ClientTool, clientToolPrefix } from '../run/client-tools.ts'
import type { RunEvent } from '../run/result.ts'

const name = 'send_file'

/** The tool by which the model sends a file to its chat in mid-run. Claude Code reaches it on its stdin and stdout. */
export const sendFileTool: ClientTool = {
  name,
  description:
    'Sends a file of your workspace to the chat at once: an image as a photo, a video as a video, any other file as a document. At most 50 MB.',
  inputSchema: {
    properties: {
      path: { type: 'string', description: 'Path of the file, relative to the workspace' },
      caption: { type: 'string', description: 'Text below the file' },
    },
    required: ['path'],
  },
}

/** Telegram takes so many UTF-16 units. */
const captionUnits = 1024

/** What the model wrote: hostile. */
const Input = z.object({
  path: z.string().min(1).max(4_096),
  caption: z.preprocess(
    value => (typeof value === 'string' ? value.trim().slice(0, captionUnits) : undefined),
    z.string().optional(),
  ),
})

const ToolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.literal(clientToolPrefix + name),
  input: z.unknown(),
})
const Assistant = z.object({ content: z.array(z.unknown()) })

export type SendFileCall = {
  id: string
  /** Null when the model left out the path. */
  file: { path: string; caption: string } | null
}

/** Returns the calls of `send_file` in an event of a run, also those of subagents: each waits for its result. */
export function sendFileCalls(event: RunEvent): SendFileCall[] {
  if (event.kind !== 'claude' || event.message.type !== 'assistant') return []
  const message = Assistant.safeParse(event.message.message)
  if (!message.success) return []
  return message.data.content.flatMap(block => {
    const call = ToolUse.safeParse(block)
    if (!call.success) return []
    const input = Input.safeParse(call.data.input)
    const file = input.success ? { path: input.data.path, caption: input.data.caption ?? '' } : null
    return [{ id: call.data.id, file }]
  })
}
