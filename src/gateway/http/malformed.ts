import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { renderApiError } from '../api-error.ts'
import type { GatewayLog } from '../gateway-log.ts'

/** Answers malformed, slow or oversized HTTP with an error, and closes the connection. */
export function refuseMalformed(error: Error & { code?: string }, socket: Socket, log: GatewayLog) {
  const code = error.code ?? 'UNKNOWN'
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  log({ kind: 'malformed', reason: code })
  const status =
    code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const body = renderApiError('invalid_request_error', 'claude-secure: not a valid HTTP request.')
  // An answer may have begun on this connection; more bytes would become part of it.
  if (socket.bytesWritten > 0) socket.destroy()
  else {
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
}
