import { verify } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { type Call, MessagesRequest } from '../../../src/gateway/rehearsal/messages-api.ts'
import {
  messageEvents,
  type Reply,
  renderEvent,
  tokenEstimate,
  wholeMessage,
} from '../../../src/gateway/rehearsal/reply.ts'
import { encodeChunk, encodeException } from './event-stream.ts'
import { google, googlePublicKey, hosts } from './secrets.ts'
import { signatureFault } from './signature.ts'

type Options = {
  reply: (request: MessagesRequest) => Reply
  onCall?: (call: Call) => void
}

/** Whether a request is for one of the clouds: their paths are none of the Messages API. */
export function isCloudPath(url: string): boolean {
  return /^\/(model\/|token$|v1\/projects\/)/.test(url)
}

/**
 * Stand-ins for Amazon Bedrock, Google Vertex AI and Google's access tokens. Strict: a wrong signature,
 * token, path or body is refused, as the services refuse it.
 */
export function cloudApi({ reply, onCall }: Options): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      onCall?.({ request, response, body })
      const url = request.url ?? ''
      if (url.startsWith('/model/')) bedrock(request, response, body, reply)
      else if (url === '/token') issueToken(response, body)
      else vertex(request, response, body, reply)
    })
  }
}

function bedrock(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  reply: Options['reply'],
) {
  const { method = '', url = '', headers } = request
  const fault = signatureFault({ method, path: url, headers, body })
  if (fault !== null) return json(response, 403, { message: `SignatureDoesNotMatch: ${fault}` })
  const [, encoded = '', operation] =
    /^\/model\/([^/]+)\/(invoke|invoke-with-response-stream|count-tokens)$/.exec(url) ?? []
  const model = decodeURIComponent(encoded)
  if (operation === 'count-tokens') {
    if (!/^anthropic\./.test(model)) return json(response, 400, { message: 'no such model' })
    const inner = Buffer.from(JSON.parse(String(body)).input.invokeModel.body, 'base64')
    const wrong = bodyFault(JSON.parse(String(inner)), 'bedrock-2023-05-31')
    if (wrong) return json(response, 400, { message: wrong })
    return json(response, 200, { inputTokens: tokenEstimate(inner.length) })
  }
  const given = JSON.parse(String(body))
  const wrong =
    bodyFault(given, 'bedrock-2023-05-31') ??
    (/^(us\.anthropic\.claude-|arn:aws:bedrock:)/.test(model) ? null : `no model ${model}`)
  if (wrong) return json(response, 400, { message: wrong })
  const stream = operation === 'invoke-with-response-stream'
  const parsed = MessagesRequest.parse({ ...given, stream })
  const answer = reply(parsed)
  if (answer.kind === 'error') {
    if (!stream) return json(response, answer.status, { message: answer.message })
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    return response.end(encodeException('throttlingException', answer.message))
  }
  const name = /claude-[a-z]+(?:-\d(?!\d))+/.exec(model)?.[0] ?? model
  const message = messageOf(answer, name, body.length)
  if (!stream) return json(response, 200, wholeMessage(message))
  response.writeHead(200, {
    'content-type': 'application/vnd.amazon.eventstream',
    'x-amzn-requestid': 'stand-in',
  })
  const bytes = Buffer.concat([...messageEvents(message)].map(encodeChunk))
  // Split without regard to the messages, as a network does.
  for (let at = 0; at < bytes.length; at += 777) response.write(bytes.subarray(at, at + 777))
  return response.end()
}

function bodyFault(body: Record<string, unknown>, version: string): string | null {
  if (body.anthropic_version !== version) return `anthropic_version ${body.anthropic_version}`
  if ('model' in body) return 'model: extraneous key is not permitted'
  if (version.startsWith('bedrock') && 'stream' in body) return 'stream: extraneous key'
  const betas = (body.anthropic_beta ?? []) as string[]
  const unknown = betas.find(beta => !/^(claude-code|interleaved|context|effort|tool)/.test(beta))
  if (unknown) return `invalid beta flag ${unknown}`
  return typeof body.max_tokens === 'number' ? null : 'max_tokens: required'
}

/** Verifies the assertion with the public key, as Google does. */
function issueToken(response: ServerResponse, body: Buffer) {
  const form = new URLSearchParams(String(body))
  const [head = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.')
  const genuine = verify(
    'RSA-SHA256',
    Buffer.from(`${head}.${claims}`),
    googlePublicKey(),
    Buffer.from(signature, 'base64url'),
  )
  const { iss, aud, scope, exp, iat } = JSON.parse(String(Buffer.from(claims, 'base64url')) || '{}')
  const right =
    genuine &&
    form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
    iss === google.clientEmail &&
    String(aud).endsWith('/token') &&
    scope === 'https://www.googleapis.com/auth/cloud-platform' &&
    exp - iat === 3600 &&
    Math.abs(iat - Date.now() / 1000) < 60
  if (!right) return json(response, 400, { error: 'invalid_grant', error_description: 'refused' })
  return json(response, 200, {
    access_token: google.accessToken,
    expires_in: 3599,
    token_type: 'Bearer',
  })
}

function vertex(
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  reply: Options['reply'],
) {
  const refuse = (code: number, message: string) =>
    json(response, code, { error: { code, message, status: 'REFUSED' } })
  if (request.headers.authorization !== `Bearer ${google.accessToken}`) return refuse(401, 'token')
  const models = `/v1/projects/${google.project}/locations/${google.region}/publishers/anthropic/models/`
  const url = decodeURIComponent(request.url ?? '')
  if (!url.startsWith(models)) return refuse(404, `no resource ${url}`)
  const [, model = '', method] =
    /^([\w@.-]+):(rawPredict|streamRawPredict)$/.exec(url.slice(models.length)) ?? []
  const given = JSON.parse(String(body))
  if (model === 'count-tokens') {
    if (!/^claude-/.test(given.model)) return refuse(400, 'model')
    return json(response, 200, { input_tokens: tokenEstimate(body.length) })
  }
  const wrong = bodyFault(given, 'vertex-2023-10-16') ?? (/^claude-/.test(model) ? null : 'model')
  if (wrong) return refuse(400, wrong)
  const answer = reply(MessagesRequest.parse(given))
  if (answer.kind === 'error') return refuse(answer.status, answer.message)
  const message = messageOf(answer, model.replace('@', '-'), body.length)
  if (method === 'rawPredict') return json(response, 200, wholeMessage(message))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of messageEvents(message)) response.write(renderEvent(event))
  return response.end()
}

function messageOf(answer: Extract<Reply, { kind: 'message' }>, model: string, bytes: number) {
  return {
    model,
    blocks: answer.blocks,
    inputTokens: tokenEstimate(bytes),
    usage: answer.usage,
  }
}

function json(response: ServerResponse, status: number, value: unknown) {
  return response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify(value))
}

export const cloudHosts = Object.values(hosts)
