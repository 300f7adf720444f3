import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { UserError } from '../../base/errors.ts'
import { readBounded } from '../../base/read-bounded.ts'
import { checkToken, mayHaveToken } from '../login.ts'
import type { ForgeAnswer } from './forge-answer.ts'
import { unreachable } from './forge-failure.ts'

/** Sends one request to the API of a forge. Throws when there is no answer; a status is never an error. */
export type ForgeCall = (
  method: 'GET' | 'POST',
  /** Path and query below the API's address, made by `forgePath`. */
  path: string,
  body?: Readonly<Record<string, unknown>>,
) => Promise<ForgeAnswer>

export type ForgeClientOptions = {
  /** Address of the API, without a slash at its end. */
  api: string
  /** Called once, at the first request. Null for an anonymous client. */
  token?: () => Promise<string | null>
  /** Header that has the token: GitHub, GitLab and Gitea expect different words before it. */
  authorization?: (token: string) => string
  headers?: Readonly<Record<string, string>>
  /** Default: the proxy of the user's environment, or none. */
  dispatcher?: Dispatcher
  /** Milliseconds of one request. */
  timeout?: number
  signal?: AbortSignal
}

/** A page of pull requests of Gitea has the whole repository in each. */
const answerBytes = 8 * 1024 * 1024
const mostRedirects = 3

/**
 * Creates the client of one forge. Follows a redirect within its own origin alone, as of a renamed
 * repository: the token must reach no other host.
 */
export function createForgeClient(options: ForgeClientOptions): ForgeCall {
  const { api, timeout = 20_000, authorization = token => `Bearer ${token}` } = options
  const { origin } = new URL(api)
  let dispatcher = options.dispatcher
  let known: Promise<string | null> | undefined

  return async (method, path, body) => {
    known ??= usableToken(api, options.token)
    const token = await known
    dispatcher ??= new EnvHttpProxyAgent()
    const headers = {
      accept: 'application/json',
      'user-agent': 'claude-secure',
      ...options.headers,
      ...(token !== null && { authorization: authorization(token) }),
      ...(body && { 'content-type': 'application/json' }),
    }
    const limit = AbortSignal.timeout(timeout)
    const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit
    let url = new URL(`${api}${path}`)
    for (let redirects = 0; ; redirects++) {
      const answer = await send(url, {
        ...{ method, headers, dispatcher, signal },
        ...(body && { body: JSON.stringify(body) }),
      })
      const next = redirectOf(answer, url, method)
      if (next === null) return answer
      if (next.origin !== origin || redirects >= mostRedirects) throw sentAway(url, next)
      url = next
    }
  }

  async function send(
    url: URL,
    request_: Parameters<typeof request>[1] & { signal: AbortSignal },
  ): Promise<ForgeAnswer> {
    try {
      const { statusCode, headers, body } = await request(url, request_)
      const bytes = await readBounded(body, answerBytes, 'the answer')
      return {
        status: statusCode,
        header: name => [headers[name] ?? null].flat()[0] ?? null,
        body: parseJson(bytes.toString()),
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      throw unreachable(url.host, error, timeout)
    }
  }
}

/** A POST is repeated only where the forge asks for the same request again (307, 308). */
function redirectOf(answer: ForgeAnswer, from: URL, method: string): URL | null {
  if (![301, 302, 303, 307, 308].includes(answer.status)) return null
  const location = answer.header('location')
  if (location === null || (method === 'POST' && answer.status < 307)) return null
  try {
    return new URL(location, from)
  } catch {
    return null
  }
}

function sentAway(from: URL, to: URL) {
  return new UserError(`${from.host} redirects to ${to.host}, which gets no token`, {
    hint: 'check the URL of the remote; for a moved repository, set its new one with git remote set-url',
  })
}

async function usableToken(api: string, find: ForgeClientOptions['token']) {
  const token = (await find?.()) ?? null
  if (token === null) return null
  const { protocol, host, hostname } = new URL(api)
  checkToken(token, host)
  if (mayHaveToken(protocol, hostname)) return token
  throw new UserError(`${host} is reached over http, on which everyone can read a token`, {
    hint: 'use https in the URL of the remote',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
