import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { serverName } from './mcp-setting.ts'
import { schemaWords } from './schema-words.ts'

/** Its name in the workspace. Claude Code itself would read it, and ask nobody who sits at the host. */
export const mcpFileName = '.mcp.json'

const text = z.string().max(4_096)
const texts = z.record(z.string(), text).optional()
/** Names of the internet that a server needs; Claude Code does not look at it. */
const needs = { 'x-claude-secure': z.object({ hosts: z.array(text).max(64) }).optional() }
const Stdio = z.object({
  type: z.literal('stdio').optional(),
  command: text.min(1),
  args: z.array(text).max(256).optional(),
  env: texts,
  ...needs,
})
const Remote = z.object({ type: z.enum(['http', 'sse']), url: z.url(), headers: texts, ...needs })
const form = 'must have a command, or a type (http or sse) and a url'
const McpFile = z.object({
  mcpServers: z.record(z.string().regex(serverName), z.union([Stdio, Remote], { error: form })),
})

export type McpServer = {
  name: string
  definition: z.infer<typeof Stdio> | z.infer<typeof Remote>
}

/** The servers of a `.mcp.json`, with the keys that are known here. */
export function parseMcpFile(json: string): McpServer[] {
  try {
    const { mcpServers } = McpFile.parse(JSON.parse(json), { error: schemaWords })
    const servers = Object.entries(mcpServers).map(([name, definition]) => ({ name, definition }))
    for (const server of servers) refuseHidden(server)
    return servers
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
    const where = issue
      ? `${terminalLine(issue.path.join('.'), 80) || 'it'} ${terminalLine(issue.message)}`
      : 'it is no JSON'
    throw new UserError(`${mcpFileName} is not understood: ${where}`, {
      hint: 'docs/additions.md says which forms of servers there are',
      cause,
    })
  }
}

/** What a person says yes to, in one line. */
export function describeServer({ name, definition }: McpServer): string {
  const [what, names] =
    'url' in definition
      ? [`asks ${definition.url}`, Object.keys(definition.headers ?? {})]
      : [
          `runs ${JSON.stringify([definition.command, ...(definition.args ?? [])])}`,
          Object.keys(definition.env ?? {}),
        ]
  return `${name} ${what}${names.length > 0 ? ` with ${names.join(', ')}` : ''}`
}

/** A yes must be to all of it: nothing beyond the end of a line, nothing that a terminal does not show. */
function refuseHidden(server: McpServer) {
  const description = describeServer(server)
  if (description.length <= 450 && terminalLine(description, 450) === description) return
  throw new UserError(`${mcpFileName}: ${server.name} is too long or too strange to be shown`, {
    hint: 'put its arguments into a script, and name that',
  })
}

/** Hosts that a server needs, as they were written: its own, and those it declares. */
export function hostsOf({ definition }: McpServer): string[] {
  const declared = definition['x-claude-secure']?.hosts ?? []
  return 'url' in definition ? [definition.url, ...declared] : declared
}

/** For `--mcp-config`: these and no others. */
export function renderMcpConfig(servers: readonly McpServer[]): string {
  const entries = servers.map(({ name, definition }) => {
    const { 'x-claude-secure': _, ...rest } = definition
    return [name, rest]
  })
  return `${JSON.stringify({ mcpServers: Object.fromEntries(entries) }, null, 2)}\n`
}
