import { isRecord } from '../../base/json.ts'
import type { McpEndpoint } from './find-endpoint.ts'
import { type Message, statelessVersion } from './messages.ts'

/** The session that `initialize` opened. */
export type Session = { id: string | null; version: string | null }

/** Sends messages to the endpoint; redirects would carry the token elsewhere. */
export function createPost({ url, token }: McpEndpoint) {
  const send = (method: 'POST' | 'DELETE', headers: Record<string, string>, more: RequestInit) =>
    fetch(url, {
      method,
      redirect: 'error',
      headers: { ...(token !== null && { authorization: `Bearer ${token}` }), ...headers },
      ...more,
    })

  return {
    message: (message: Message, session: Session, signal: AbortSignal) =>
      send(
        'POST',
        {
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
          ...headersOf(message, session),
        },
        { body: JSON.stringify(message), signal },
      ),
    /** Ends the session, as far as the server still has it. */
    async end(session: Session, signal: AbortSignal): Promise<void> {
      if (session.id === null) return
      await send('DELETE', sessionHeaders(session), { signal }).catch(() => {})
    },
  }
}

/** Returns what the protocol repeats in headers: of the session, or of a message without one. */
function headersOf(message: Message, session: Session): Record<string, string> {
  const version = statelessVersion(message)
  if (version === null) return message.method === 'initialize' ? {} : sessionHeaders(session)
  const { method, params } = message
  const name = isRecord(params) ? (params.name ?? params.uri) : undefined
  return {
    'mcp-protocol-version': version,
    ...(typeof method === 'string' && { 'mcp-method': method }),
    ...(typeof name === 'string' && { 'mcp-name': name }),
  }
}

function sessionHeaders({ id, version }: Session): Record<string, string> {
  return {
    ...(id !== null && { 'mcp-session-id': id }),
    ...(version !== null && { 'mcp-protocol-version': version }),
  }
}
