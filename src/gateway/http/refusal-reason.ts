import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import type { Socket } from 'node:net'

/** The page by which our proxy says why it refused a CONNECT, as in proxy/errors. */
export type RefusalReason = 'NAME' | 'ADDRESS' | 'UNRESOLVED' | 'LOAD' | 'FORM' | 'CALLER' | 'SNI'

const reasons = /\bREFUSED_(NAME|ADDRESS|UNRESOLVED|LOAD|FORM|CALLER|SNI)\b/

/**
 * Asks the proxy once more for a refused name, and returns the reason that its answer states; null when
 * it states none. undici reports the status of a refused CONNECT and nothing else of its answer.
 */
export function refusalReason(
  proxy: string,
  origin: string,
  timeoutMilliseconds = 5_000,
): Promise<RefusalReason | null> {
  const { hostname, port } = new URL(proxy)
  const target = new URL(origin)
  const authority = `${target.hostname}:${target.port || (target.protocol === 'https:' ? 443 : 80)}`
  return new Promise(resolve => {
    const asked = request({
      host: hostname,
      port: port || 80,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority },
      agent: false,
      signal: AbortSignal.timeout(timeoutMilliseconds),
    })
    asked.once('connect', ({ headers, statusCode }: IncomingMessage, socket: Socket) => {
      socket.on('error', () => {})
      socket.destroy()
      const found = reasons.exec(String(headers['x-squid-error'] ?? ''))?.[1]
      resolve(statusCode === 200 ? null : ((found as RefusalReason | undefined) ?? null))
    })
    asked.once('response', answer => {
      answer.destroy()
      resolve(null)
    })
    asked.once('error', () => resolve(null))
    asked.end()
  })
}
