import type { Limits } from '../http/limits.ts'
import { createUpstream } from '../http/upstream.ts'
import type { GatewaySettings } from '../settings.ts'
import { createMessagesProvider } from './messages.ts'
import type { Provider } from './provider.ts'

/** Creates the provider that the settings name. Loads the parts of a cloud service only for it. */
export async function createProvider(settings: GatewaySettings, limits: Limits): Promise<Provider> {
  const { UPSTREAM_URL, UPSTREAM_REGION: region, PROXY_URL: proxy, MODEL_IDS: modelIds } = settings
  const upstream = createUpstream({ origin: UPSTREAM_URL.origin, proxy, limits })
  switch (settings.UPSTREAM_KIND) {
    case 'messages':
      return createMessagesProvider(upstream, UPSTREAM_URL.path)
    case 'bedrock': {
      const { createBedrockProvider } = await import('./bedrock/bedrock.ts')
      return createBedrockProvider({ upstream, region, modelIds })
    }
    case 'vertex': {
      const { createVertexProvider } = await import('./vertex/vertex.ts')
      const tokens = createUpstream({ origin: settings.TOKEN_URL, proxy, limits })
      const project = settings.UPSTREAM_PROJECT
      return createVertexProvider({ upstream, tokens, region, project, modelIds })
    }
    default:
      return settings.UPSTREAM_KIND satisfies never
  }
}
