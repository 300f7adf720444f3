import { isRecord, oneLineJson } from '../../base/json.ts'
import { type ClientTool, clientServer, type ToolResult } from '../../run/client-tools.ts'
import type { Json } from './output.ts'

/** Maximum calls that wait for their result, and results that came before their call. */
const mostHeld = 256

const idLength = 200

const tooMany: Omit<ToolResult, 'id'> = {
  content: [{ type: 'text', text: 'too many calls wait for a result' }],
  isError: true,
}

type Rpc = { id: unknown; requestId: string }

/**
 * Serves the tools of the run's client to claude, as an MCP server on its stdin and stdout: no network, and
 * no process. claude waits for each call until the client has sent its result.
 */
export function createClientTools({
  write,
  tools,
  onWaiting,
}: {
  /** Writes to claude's stdin. */
  write: (text: string) => void
  tools: readonly ClientTool[]
  /** Called when claude begins and ends to wait for results. */
  onWaiting: (isWaiting: boolean) => void
}) {
  const waiting = new Map<string, Rpc>()
  const early = new Map<string, ToolResult>()
  let isClosed = false

  const respond = (requestId: string, answer: Json) => {
    const response = { subtype: 'success', request_id: requestId, response: answer }
    write(`${oneLineJson({ type: 'control_response', response })}\n`)
  }
  const reply = ({ id, requestId }: Rpc, result: Json) =>
    respond(requestId, { mcp_response: { jsonrpc: '2.0', id, result } })

  function call(rpc: Rpc, params: Json) {
    const meta = isRecord(params._meta) ? params._meta : {}
    const toolUseId = String(meta['claudecode/toolUseId'] ?? '').slice(0, idLength)
    const result = early.get(toolUseId)
    early.delete(toolUseId)
    if (result) return reply(rpc, contentOf(result))
    if (waiting.size >= mostHeld) return reply(rpc, contentOf(tooMany))
    if (waiting.size === 0) onWaiting(true)
    waiting.set(toolUseId, rpc)
  }

  function serve(rpc: Rpc, method: unknown, params: Json) {
    switch (method) {
      case 'initialize':
        return reply(rpc, {
          protocolVersion: params.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: clientServer, version: '1' },
        })
      case 'tools/list':
        return reply(rpc, { tools: tools.map(shownTool) })
      case 'tools/call':
        return call(rpc, params)
      // Notifications and `ping`.
      default:
        return reply(rpc, {})
    }
  }

  /** Forgets a call that claude no longer waits for. */
  function drop(requestId: unknown) {
    for (const [id, rpc] of waiting) if (rpc.requestId === requestId) waiting.delete(id)
    if (waiting.size === 0) onWaiting(false)
  }

  return {
    /** Takes a control message from claude. Returns whether it was for this server. */
    take({ type, request_id: requestId, request }: Json): boolean {
      if (type === 'control_cancel_request' && waiting.size > 0) drop(requestId)
      if (type !== 'control_request' || !isRecord(request)) return false
      if (request.subtype !== 'mcp_message' || request.server_name !== clientServer) return false
      if (typeof requestId !== 'string' || requestId.length > idLength) return false
      const message = isRecord(request.message) ? request.message : {}
      const params = isRecord(message.params) ? message.params : {}
      if (!isClosed) serve({ id: message.id ?? 0, requestId }, message.method, params)
      return true
    },

    /** Gives claude the result of a call, which it may have yet to begin: it makes some one after the other. */
    deliver(result: ToolResult): boolean {
      if (isClosed || tools.length === 0) return false
      const rpc = waiting.get(result.id)
      if (!rpc) {
        if (early.size < mostHeld) early.set(result.id, result)
        return true
      }
      waiting.delete(result.id)
      if (waiting.size === 0) onWaiting(false)
      reply(rpc, contentOf(result))
      return true
    },

    /** Answers no more calls, because the turn ends. */
    close() {
      isClosed = true
      waiting.clear()
      early.clear()
    },
  }
}

function contentOf({ content, isError }: Omit<ToolResult, 'id'>): Json {
  return { content, ...(isError && { isError: true }) }
}

/** The tool is in the model's list from the first request on, however many there are. */
function shownTool({ name, description, inputSchema }: ClientTool): Json {
  return {
    ...{ name, description, inputSchema: { type: 'object', ...inputSchema } },
    _meta: { 'anthropic/alwaysLoad': true },
  }
}
