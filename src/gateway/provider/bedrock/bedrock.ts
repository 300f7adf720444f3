import { isRecord, parseJson } from '../../../base/json.ts'
import { readBounded } from '../../../base/read-bounded.ts'
import type { Upstream } from '../../http/upstream.ts'
import { cloudBetas } from '../betas.ts'
import { bedrockModel, foundationModel, type ModelIds } from '../model-ids.ts'
import type { ModelAnswer, ModelRequest, Provider } from '../provider.ts'
import { createRequestReader, type RequestJson } from '../request-json.ts'
import { once, translateError } from '../service-error.ts'
import { serverSentEvents } from './event-stream.ts'
import { signedHeaders } from './sign.ts'

const version = 'bedrock-2023-05-31'
const countBytes = 64 * 1024

/** Amazon Bedrock: model and streaming are in the path, and answers stream as Amazon's event stream. */
export function createBedrockProvider(options: {
  upstream: Upstream
  region: string
  modelIds: ModelIds
}): Provider {
  const { upstream, region, modelIds } = options
  const reader = createRequestReader()
  const { host } = new URL(upstream.origin)

  async function post(
    path: string,
    body: string,
    accept: string,
    { credential, signal }: ModelRequest,
  ) {
    const bytes = Buffer.from(body)
    const headers = await signedHeaders({
      ...{ credential, region, host, path, body: bytes },
      headers: { accept, 'content-type': 'application/json', 'accept-encoding': 'identity' },
    })
    return upstream.post({ path, headers, body: bytes, signal })
  }

  async function converse(given: ModelRequest, request: RequestJson): Promise<ModelAnswer> {
    const id = encodeURIComponent(bedrockModel(request.model, region, modelIds))
    const { stream } = request
    const answer = await post(
      `/model/${id}/${stream ? 'invoke-with-response-stream' : 'invoke'}`,
      JSON.stringify(invocation(given, request)),
      stream ? 'application/vnd.amazon.eventstream' : 'application/json',
      given,
    )
    if (answer.statusCode >= 300) return errorOf(answer)
    const type = stream ? 'text/event-stream; charset=utf-8' : 'application/json'
    return {
      statusCode: answer.statusCode,
      headers: { 'content-type': type, ...requestId(answer.headers['x-amzn-requestid']) },
      body: stream ? serverSentEvents(answer.body) : answer.body,
    }
  }

  async function count(given: ModelRequest, request: RequestJson): Promise<ModelAnswer> {
    const id = encodeURIComponent(foundationModel(bedrockModel(request.model, region, modelIds)))
    const body = JSON.stringify({ max_tokens: 1, ...invocation(given, request) })
    const answer = await post(
      `/model/${id}/count-tokens`,
      JSON.stringify({ input: { invokeModel: { body: Buffer.from(body).toString('base64') } } }),
      'application/json',
      given,
    )
    if (answer.statusCode >= 300) return errorOf(answer)
    const counted = parseJson(String(await readBounded(answer.body, countBytes, 'the count')))
    const tokens = isRecord(counted) ? counted.inputTokens : undefined
    if (typeof tokens !== 'number') throw new Error('Amazon Bedrock sent no count of tokens')
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: once(JSON.stringify({ input_tokens: tokens })),
    }
  }

  return {
    upstream,
    async send(given) {
      const { request, release } = await reader.read(given.body)
      try {
        return await (given.route === 'messages' ? converse : count)(given, request)
      } finally {
        release()
      }
    },
    close: () => upstream.close(),
  }
}

function invocation({ rawHeaders }: ModelRequest, { rest }: RequestJson) {
  const betas = cloudBetas(rawHeaders)
  const { anthropic_version: _version, anthropic_beta: _betas, ...members } = rest
  return {
    anthropic_version: version,
    ...(betas.length > 0 && { anthropic_beta: betas }),
    ...members,
  }
}

type Answer = Awaited<ReturnType<Upstream['post']>>

function errorOf({ statusCode, headers, body }: Answer): Promise<ModelAnswer> {
  return translateError('Amazon Bedrock', statusCode, headers['retry-after'], body)
}

function requestId(id: string | string[] | undefined): Record<string, string> {
  return typeof id === 'string' ? { 'request-id': id } : {}
}
