import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TokenMode } from '../../config/tenants.ts'
import { HttpError, unauthorized } from '../../tenants/http-error.ts'
import type { Access, Caller } from '../../tenants/tokens.ts'
import { isOpenAiPath } from '../openai/openai-error.ts'
import { onEachRequest } from './each-request.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Null before the token was checked, and on open routes. */
    caller: Caller | null
    /** The run that a request is about, for the log. */
    runId: string | null
  }
  interface FastifyContextConfig {
    /** The modes of which a token needs one. A route without them needs `api`; `open` needs no token. */
    modes?: readonly TokenMode[] | 'open'
  }
}

/**
 * Requires a token before everything else: before the body, and before a route is known to exist. Takes it from
 * headers alone, because URLs end up in logs, histories and `Referer` headers.
 */
export function requireToken(app: FastifyInstance, access: Access) {
  app.decorateRequest('caller', null)
  app.decorateRequest('runId', null)

  const check = (request: FastifyRequest) => {
    const { modes = ['api'] } = request.routeOptions.config
    if (modes === 'open') return
    const caller = callerBehind(request, access)
    if (!caller) throw unauthorized()
    request.caller = caller
    // An unknown route has no mode: it answers 404 or 405 to every token.
    const known = request.routeOptions.url !== undefined
    if (known && !modes.some(mode => caller.token.modes.includes(mode))) {
      throw new HttpError(403, `token ${caller.token.name} may not use this`)
    }
  }
  onEachRequest(app, check)
  return check
}

function callerBehind({ raw }: FastifyRequest, access: Access): Caller | null {
  const { authorization = bearerOf(raw) } = raw.headers
  if (authorization === undefined) return access.anyone()
  const token = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
  return token === undefined ? null : access.find(token)
}

/** Returns the header in the place of the one that clients of Anthropic's API send. */
function bearerOf({ url = '', headers }: FastifyRequest['raw']): string | undefined {
  const key = headers['x-api-key']
  return typeof key === 'string' && isOpenAiPath(url) ? `Bearer ${key}` : undefined
}

/** Returns the caller of a request whose token was checked. */
export function callerOf(request: FastifyRequest): Caller {
  if (!request.caller) throw unauthorized()
  return request.caller
}
