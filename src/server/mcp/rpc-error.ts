import { HttpError } from '../../tenants/http-error.ts'

/** The codes of JSON-RPC 2.0 and of MCP that this server uses itself. */
export const rpcCodes = {
  parse: -32_700,
  invalidRequest: -32_600,
  server: -32_000,
  sessionNotFound: -32_001,
} as const

/** Builds an answer to a request that reaches no tool: an HTTP status, and a JSON-RPC error without an id. */
export function rpcError(status: number, code: number, message: string, headers = {}): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status, headers })
}

/** Turns a refused body into the answer that MCP clients expect. */
export function rpcRefusal(error: unknown): Response {
  if (!(error instanceof HttpError)) throw error
  const isMalformed = error.status === 422 || error.status === 400
  return rpcError(
    isMalformed ? 400 : error.status,
    isMalformed ? rpcCodes.parse : rpcCodes.server,
    error.message,
    error.headers,
  )
}
