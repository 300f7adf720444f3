import { realpathSync } from 'node:fs'
import type { Test } from 'tap'
import { type Sent, startServer } from './fixture.ts'

export const accept = 'application/json, text/event-stream'
export const initialize = (protocolVersion: string, more: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'c', version: '1' }, ...more },
})
export const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' }
export const callOf = (name: string, args: object) => ({
  ...{ jsonrpc: '2.0', id: 3, method: 'tools/call' },
  params: { name, arguments: args },
})
export const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** A server, and a client that writes the protocol itself. */
export async function startMcp(t: Test, options: Parameters<typeof startServer>[1] = {}) {
  const workspacesFolder = realpathSync(t.testdir({ main: {}, other: {} }))
  return mcpClient(await startServer(t, { workspacesFolder, ...options }))
}

export function mcpClient<T extends Awaited<ReturnType<typeof startServer>>>(server: T) {
  const post = (body: object | string, { headers, ...more }: Sent & { path?: string } = {}) =>
    server.ask(more.path ?? '/mcp', {
      method: 'POST',
      body,
      headers: { accept, 'content-type': 'application/json', ...headers },
      ...more,
    })
  const openSession = async (more: Sent = {}) => {
    const { headers } = await post(initialize('2025-11-25'), more)
    return { 'mcp-session-id': String(headers['mcp-session-id']) }
  }
  return { ...server, post, openSession }
}

/** Returns the message of an answer that is a stream. */
export const messageOf = ({ text }: { text: string }) =>
  JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '')
