import * as z from 'zod'

/** The name of the MCP server under which Claude Code knows the tools that a client of a run executes. */
export const clientServer = 'client'

/** Claude Code puts the server before the name of a tool. */
export const clientToolPrefix = `mcp__${clientServer}__`

const toolsBytes = 1024 * 1024

/** A tool that the client of a run executes. Its texts go to the model. */
export const ClientTool = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 of letters, digits, _ and -'),
  description: z.string().max(100_000).default(''),
  inputSchema: z.record(z.string(), z.unknown()),
})
export type ClientTool = z.infer<typeof ClientTool>

export const ClientTools = z
  .array(ClientTool)
  .max(128)
  .refine(tools => new Set(tools.map(({ name }) => name)).size === tools.length, {
    error: 'must have each name once',
  })
  .refine(tools => Buffer.byteLength(JSON.stringify(tools)) <= toolsBytes, {
    error: `must be at most ${toolsBytes} bytes`,
  })

/** Identifies a call within its run: the model's own id. */
export const ToolCallId = z.string().regex(/^[A-Za-z0-9_-]{1,200}$/, 'must be the id of a call')

const resultBytes = 4 * 1024 * 1024

/** What the client answers to one call. */
export const ToolResult = z.strictObject({
  id: ToolCallId,
  content: z
    .array(
      z.discriminatedUnion('type', [
        z.strictObject({ type: z.literal('text'), text: z.string().max(resultBytes) }),
        z.strictObject({
          type: z.literal('image'),
          mimeType: z.string().max(100),
          data: z.string().max(resultBytes),
        }),
      ]),
    )
    .max(100),
  isError: z.boolean().default(false),
})
export type ToolResult = z.infer<typeof ToolResult>
