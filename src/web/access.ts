import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** The token of one `web` process: who has it acts as the user who started it. */
export type WebAccess = {
  token: string
  /** Compares in constant time. */
  admits: (presented: string | undefined) => boolean
}

const tokenBytes = 32

/** Creates a token that no other process knows; it ends with this one. */
export function createAccess(token = randomBytes(tokenBytes).toString('base64url')): WebAccess {
  const expected = digest(token)
  return {
    token,
    admits: presented => presented !== undefined && timingSafeEqual(digest(presented), expected),
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Returns the token of `Authorization: Bearer`. URLs end up in histories, and cookies are shared between ports. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer ([\w-]{1,128})$/.exec(authorization ?? '')?.[1]
}

/** The subprotocol of the page's websockets; another one beside it holds the token. */
export const socketProtocol = 'claude-secure'

/** Returns the token of `Sec-WebSocket-Protocol`: browsers let a page set no other header there. */
export function protocolToken(protocols: string | undefined): string | undefined {
  const [first, second, ...more] = (protocols ?? '').split(',').map(text => text.trim())
  if (first !== socketProtocol || more.length > 0) return undefined
  return /^token\.([\w-]{1,128})$/.exec(second ?? '')?.[1]
}
