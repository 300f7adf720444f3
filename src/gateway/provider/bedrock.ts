import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { isRecord, parseJson } from '../../base/json.ts'
import { readBounded } from '../../base/read-bounded.ts'
import { ApiError } from '../api-error.ts'
import type { Credential } from '../credential.ts'
import type { Upstream } from '../http/upstream.ts'
import { serverSentEvents } from './event-stream.ts'
import { bedrockModel, foundationModel, type ModelIds } from './model-ids.ts'
import {
  type ModelAnswer,
  type ModelRequest,
  once,
  type Provider,
  translateError,
} from './provider.ts'
import { cloudBetas, createRequestReader, type RequestJson } from './request-json.ts'

/** The part of Node's SHA-256 that the signer uses; with a secret it is an HMAC. */
class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset() {
    throw new Error('the signer uses each hash once')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data)
}

/** Returns the headers of a signed POST to Amazon Bedrock: Signature Version 4, or a Bedrock API key. */
export async function signedHeaders(options: {
  credential: Credential
  region: string
  host: string
  /** As sent, each segment encoded once. */
  path: string
  headers: Record<string, string>
  body: Buffer
}): Promise<Record<string, string>> {
  const { credential, region, host, path, headers, body } = options
  if (credential.kind === 'bearer') {
    return { ...headers, host, authorization: `Bearer ${credential.secret}` }
  }
  if (credential.kind !== 'aws-key') {
    const text = 'claude-secure: the credential of the gateway is not one of Amazon Bedrock.'
    throw new ApiError(503, 'api_error', text)
  }
  const signer = new SignatureV4({
    service: 'bedrock',
    region,
    credentials: {
      accessKeyId: credential.accessKeyId,
      secretAccessKey: credential.secret,
      ...(credential.sessionToken !== undefined && { sessionToken: credential.sessionToken }),
    },
    sha256: Sha256,
  })
  const signed = await signer.sign({
    method: 'POST',
    protocol: 'https:',
    hostname: host,
    path,
    headers: { ...headers, host },
    body,
  })
  return signed.headers
}

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
