import { callerHeaders, upstreamHeaders } from '../http/headers.ts'
import type { Limits } from '../http/limits.ts'
import { createUpstream, type Upstream } from '../http/upstream.ts'
import type { GatewaySettings } from '../settings.ts'
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

/** Creates the provider that the settings name. Loads the parts of a cloud service only for it. */
export async function createProvider(settings: GatewaySettings, limits: Limits): Promise<Provider> {
  const { UPSTREAM_URL, UPSTREAM_REGION: region, PROXY_URL: proxy, MODEL_IDS: modelIds } = settings
  const upstream = createUpstream({ origin: UPSTREAM_URL.origin, proxy, limits })
  switch (settings.UPSTREAM_KIND) {
    case 'messages':
      return createMessagesProvider(upstream, UPSTREAM_URL.path)
    case 'bedrock': {
      const { createBedrockProvider } = await import('./bedrock.ts')
      return createBedrockProvider({ upstream, region, modelIds })
    }
    case 'vertex': {
      const { createVertexProvider } = await import('./vertex.ts')
      const tokens = createUpstream({ origin: settings.TOKEN_URL, proxy, limits })
      const project = settings.UPSTREAM_PROJECT
      return createVertexProvider({ upstream, tokens, region, project, modelIds })
    }
    default:
      return settings.UPSTREAM_KIND satisfies never
  }
}
