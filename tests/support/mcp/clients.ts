import {
  Client as NewClient,
  StreamableHTTPClientTransport as NewTransport,
} from '@modelcontextprotocol/client'
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio'
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  ElicitRequestSchema,
  type ElicitResult,
  type Progress,
} from '@modelcontextprotocol/sdk/types.js'
import type { Test } from 'tap'

/** What an official client of either generation does in the tests. */
export type McpClient = {
  version: string
  tools: () => Promise<{ name: string; inputSchema: object; outputSchema?: object }[]>
  call: (name: string, args: object, options?: CallOptions) => Promise<McpResult>
  close: () => Promise<void>
}
export type McpResult = {
  isError?: boolean
  text: string
  structured: Record<string, unknown> | undefined
}
export type CallOptions = { onprogress?: (progress: Progress) => void; signal?: AbortSignal }
export type Elicit = (form: { message: string; requestedSchema: unknown }) => ElicitResult

/** A program that speaks MCP on stdio. */
export type Program = { command: string; args: string[]; env: Record<string, string>; cwd: string }
/** The server, by its address or by a program. */
type Options = { elicit?: Elicit } & ({ url: string; token: string } | { program: Program })

/** The generations of clients: that of sessions, and that without state. */
export const generations = ['sessions', 'stateless'] as const
export type Generation = (typeof generations)[number]

/** Connects the official client of a generation, unmodified. */
export async function connectMcp(
  t: Test,
  generation: Generation,
  options: Options,
): Promise<McpClient> {
  const client = await (generation === 'sessions' ? oldClient(options) : newClient(options))
  t.teardown(() => client.close())
  return client
}

const info = { name: 'a client of the tests', version: '1' }

async function oldClient({ elicit, ...place }: Options): Promise<McpClient> {
  const client = new OldClient(info, elicit ? { capabilities: { elicitation: {} } } : {})
  if (elicit) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
      if (params.mode === 'url') throw new Error('a form was expected')
      return elicit(params)
    })
  }
  const http = 'url' in place ? new OldTransport(new URL(place.url), bearer(place)) : null
  const transport = 'program' in place ? new OldStdio(place.program) : http
  // biome-ignore lint/suspicious/noExplicitAny: the package's own types clash with exactOptionalPropertyTypes
  await client.connect(transport as any)
  return {
    version: http?.protocolVersion ?? '',
    tools: async () => (await client.listTools()).tools,
    call: async (name, args, options) =>
      resultOf(await client.callTool({ name, arguments: { ...args } }, undefined, options)),
    async close() {
      await http?.terminateSession().catch(() => {})
      await client.close()
    },
  }
}

async function newClient({ elicit, ...place }: Options): Promise<McpClient> {
  const client = new NewClient(info, {
    versionNegotiation: { mode: 'auto' },
    ...(elicit && { capabilities: { elicitation: { form: {} } } }),
  })
  if (elicit) {
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode === 'url') throw new Error('a form was expected')
      return elicit(params)
    })
  }
  await client.connect(
    'program' in place
      ? new NewStdio(place.program)
      : new NewTransport(new URL(place.url), bearer(place)),
  )
  return {
    version: client.getNegotiatedProtocolVersion() ?? '',
    tools: async () => (await client.listTools()).tools,
    call: async (name, args, options) =>
      resultOf(await client.callTool({ name, arguments: { ...args } }, options)),
    close: () => client.close(),
  }
}

function bearer({ token }: { token: string }) {
  return { requestInit: { headers: { authorization: `Bearer ${token}` } } }
}

function resultOf(result: unknown): McpResult {
  const { isError, content, structuredContent } = result as {
    isError?: boolean
    content: { type: string; text?: string }[]
    structuredContent?: Record<string, unknown>
  }
  return {
    ...(isError !== undefined && { isError }),
    text: content.map(({ text = '' }) => text).join('\n'),
    structured: structuredContent,
  }
}
