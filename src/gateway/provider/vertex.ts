import { createHash } from 'node:crypto'
import { importPKCS8, SignJWT } from 'jose'
import * as z from 'zod/mini'
import { parseJson } from '../../base/json.ts'
import { readBounded } from '../../base/read-bounded.ts'
import { ApiError } from '../api-error.ts'
import type { Credential } from '../credential.ts'
import { callerHeaders } from '../http/headers.ts'
import { explainFailure, type Upstream } from '../http/upstream.ts'
import { type ModelIds, vertexModel } from './model-ids.ts'
import { type ModelAnswer, type ModelRequest, type Provider, translateError } from './provider.ts'
import { cloudBetas, createRequestReader, type RequestJson } from './request-json.ts'

const path = '/token'
const scope = 'https://www.googleapis.com/auth/cloud-platform'
const answerBytes = 64 * 1024
/** Time in seconds before its end at which a token is replaced: a request may wait in a queue. */
const reserve = 300

const TokenAnswer = z.object({
  access_token: z.string().check(z.minLength(16), z.maxLength(4096), z.regex(/^[\x21-\x7e]+$/)),
  expires_in: z.number().check(z.positive(), z.maximum(86_400)),
})

export interface AccessTokens {
  /** Returns a valid token of the service account, from Google or from an earlier call. */
  of(credential: Credential, signal: AbortSignal): Promise<string>
  /** Forgets the token, which the service rejected. */
  forget(): void
}

/** Exchanges a signed assertion of the service account's key for access tokens. */
export function createAccessTokens(google: Upstream, now: () => number = Date.now): AccessTokens {
  let known: { key: string; token: string; end: number } | null = null

  return {
    async of(credential, signal) {
      if (credential.kind !== 'google-key') {
        const text =
          'claude-secure: the credential of the gateway is not a service account of Google.'
        throw new ApiError(503, 'api_error', text)
      }
      const key = createHash('sha256').update(credential.secret).digest('hex')
      if (known?.key === key && known.end > now()) return known.token
      const answer = await exchange(google, await assertion(google, credential, now()), signal)
      known = { key, token: answer.access_token, end: now() + (answer.expires_in - reserve) * 1000 }
      return known.token
    },
    forget() {
      known = null
    },
  }
}

async function assertion(
  google: Upstream,
  { secret, clientEmail }: Extract<Credential, { kind: 'google-key' }>,
  now: number,
): Promise<string> {
  const seconds = Math.floor(now / 1000)
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(clientEmail)
    .setAudience(`${google.origin}${path}`)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + 3600)
    .sign(await importPKCS8(secret, 'RS256'))
}

async function exchange(google: Upstream, jwt: string, signal: AbortSignal) {
  const answer = await google
    .post({
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: jwt,
      }).toString(),
      signal,
    })
    .catch(async (error: unknown) => {
      throw await explainFailure(error, google)
    })
  const value = parseJson(String(await readBounded(answer.body, answerBytes, 'the token')))
  const parsed = TokenAnswer.safeParse(value)
  if (answer.statusCode === 200 && parsed.success) return parsed.data
  // Not the answer's text: it may quote the assertion.
  throw new ApiError(
    502,
    'api_error',
    `claude-secure: Google issued no access token (status ${answer.statusCode}). On the host: check the service account in GOOGLE_APPLICATION_CREDENTIALS, its key and the clock.`,
    { retry: answer.statusCode >= 500 },
  )
}

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
