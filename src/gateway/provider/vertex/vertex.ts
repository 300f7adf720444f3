import { ApiError } from '../../api-error.ts'
import { callerHeaders } from '../../http/headers.ts'
import type { Upstream } from '../../http/upstream.ts'
import { cloudBetas } from '../betas.ts'
import { type ModelIds, vertexModel } from '../model-ids.ts'
import type { ModelAnswer, ModelRequest, Provider } from '../provider.ts'
import { createRequestReader, type RequestJson } from '../request-json.ts'
import { translateError } from '../service-error.ts'
import { createAccessTokens } from './access-token.ts'

const version = 'vertex-2023-10-16'

/** Google Vertex AI: model and method are in the path; answers have the form of the Messages API. */
export function createVertexProvider(options: {
  upstream: Upstream
  /** Google's service for access tokens. */
  tokens: Upstream
  region: string
  project: string
  modelIds: ModelIds
}): Provider {
  const { upstream, tokens, region, project, modelIds } = options
  const reader = createRequestReader()
  const access = createAccessTokens(tokens)
  const models = `/v1/projects/${project}/locations/${region}/publishers/anthropic/models`

  async function answer(given: ModelRequest, request: RequestJson): Promise<ModelAnswer> {
    const { rawHeaders, credential, signal, route } = given
    const betas = cloudBetas(rawHeaders)
    const model = vertexModel(request.model, modelIds)
    // The token opens all of Google Cloud: a server that decodes %2F or %3A must find no other path or method.
    if (!modelIds.has(request.model) && /[:/]/.test(model)) throw notAModel(request.model)
    const method = request.stream ? 'streamRawPredict' : 'rawPredict'
    const counts = route === 'count-tokens'
    const { statusCode, headers, body } = await upstream.post({
      path: counts
        ? `${models}/count-tokens:rawPredict`
        : `${models}/${encodeURIComponent(model)}:${method}`,
      headers: {
        accept: request.stream ? 'text/event-stream' : 'application/json',
        'accept-encoding': 'identity',
        'content-type': 'application/json',
        ...(betas.length > 0 && { 'anthropic-beta': betas.join(',') }),
        authorization: `Bearer ${await access.of(credential, signal)}`,
      },
      body: JSON.stringify({
        ...request.rest,
        anthropic_version: version,
        ...(counts ? { model } : request.stream && { stream: true }),
      }),
      signal,
    })
    if (statusCode === 401) access.forget()
    return statusCode >= 300
      ? translateError('Google Vertex AI', statusCode, headers['retry-after'], body)
      : { statusCode, headers: callerHeaders(headers), body }
  }

  return {
    upstream,
    async send(given) {
      const { request, release } = await reader.read(given.body)
      try {
        return await answer(given, request)
      } finally {
        release()
      }
    },
    async close() {
      await Promise.all([upstream.close(), tokens.close()])
    },
  }
}

function notAModel(model: string) {
  const text = `claude-secure: ${model} is not a model of Google Vertex AI; MODEL_IDS gives a name another id.`
  return new ApiError(400, 'invalid_request_error', text)
}
