import { callerHeaders, upstreamHeaders } from '../http/headers.ts'
import type { Upstream } from '../http/upstream.ts'
import type { Provider } from './provider.ts'

/**
 * Anthropic's API, or a company's gateway that speaks it below a path: passes both ways byte for byte.
 *
 * @param path prefix of the API's routes; empty at Anthropic.
 */
export function createMessagesProvider(upstream: Upstream, path = ''): Provider {
  return {
    upstream,
    async send({ target, rawHeaders, body, credential, signal }) {
      const answer = await upstream.post({
        path: `${path}${target}`,
        headers: upstreamHeaders(rawHeaders, credential),
        body,
        signal,
      })
      return {
        statusCode: answer.statusCode,
        headers: callerHeaders(answer.headers),
        body: answer.body,
      }
    },
    close: () => upstream.close(),
  }
}
