import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { issueMessage } from './issue-message.ts'
import { quotedValue } from './quoted-value.ts'
import { serverName } from './setting-names.ts'

/** File name in the workspace. Claude Code would read it without asking the user at the host. */
export const mcpFileName = '.mcp.json'

const text = z.string().max(4_096)
const texts = z.record(z.string(), text).optional()
/** Internet hosts that a server needs; Claude Code ignores this key. */
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

/** Parses the servers of a `.mcp.json`, with the supported keys. */
export function parseMcpFile(json: string): McpServer[] {
  try {
    const { mcpServers } = McpFile.parse(JSON.parse(json), { error: issueMessage })
    const servers = Object.entries(mcpServers).map(([name, definition]) => ({ name, definition }))
    for (const server of servers) refuseHidden(server)
    return servers
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
    const where = issue
      ? `${terminalLine(issue.path.join('.'), 80) || 'it'} ${terminalLine(issue.message)}`
      : 'it is not JSON'
    throw new UserError(`${mcpFileName} is not valid: ${where}`, {
      hint: 'docs/additions.md shows the supported forms of servers',
      cause,
    })
  }
}

/** Describes a server on one line, for the user to approve. */
export function describeServer({ name, definition }: McpServer): string {
  const [what, names] =
    'url' in definition
      ? [`connects to ${definition.url}`, Object.keys(definition.headers ?? {})]
      : [
          `runs ${JSON.stringify([definition.command, ...(definition.args ?? [])])}`,
          Object.keys(definition.env ?? {}),
        ]
  return `${name} ${what}${names.length > 0 ? ` with ${names.join(', ')}` : ''}`
}

/** Describes a server with the values of its variables or headers, for the person who approves it. */
export function requestOfServer(server: McpServer): string[] {
  const { definition } = server
  const values = ('url' in definition ? definition.headers : definition.env) ?? {}
  const lines = Object.entries(values).map(
    ([name, value]) => `  ${terminalLine(name, 100)}=${quotedValue(value)}`,
  )
  return [describeServer(server), ...lines]
}

/** Rejects long lines and invisible characters, so that the user sees everything they approve. */
function refuseHidden(server: McpServer) {
  const description = describeServer(server)
  if (description.length <= 450 && terminalLine(description, 450) === description) return
  throw new UserError(
    `${mcpFileName}: ${server.name} is too long or contains invisible characters`,
    {
      hint: 'put its arguments into a script and run that',
    },
  )
}

/** Returns the hosts that a server needs, as written: its own, and those it declares. */
export function hostsOf({ definition }: McpServer): string[] {
  const declared = definition['x-claude-secure']?.hosts ?? []
  return 'url' in definition ? [definition.url, ...declared] : declared
}

/** Renders the file for `--mcp-config` with only these servers. */
export function renderMcpConfig(servers: readonly McpServer[]): string {
  const entries = servers.map(({ name, definition }) => {
    const { 'x-claude-secure': _, ...rest } = definition
    return [name, rest]
  })
  return `${JSON.stringify({ mcpServers: Object.fromEntries(entries) }, null, 2)}\n`
}
