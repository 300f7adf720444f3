export type ModelRoute = 'health' | 'messages' | 'count-tokens'

const routes = new Map<string, ModelRoute>([
  ['HEAD /', 'health'],
  ['POST /v1/messages', 'messages'],
  ['POST /v1/messages/count_tokens', 'count-tokens'],
])

/** Plain parameters such as `?beta=true`; no encoding, so that nothing can hide in it. */
const plainQuery = /^[\w.,=&-]{0,256}$/

/**
 * Returns the route of a request target, compared byte by byte as received. Neither decodes nor
 * normalizes on purpose: `//v1/messages`, `/v1/messages/../files`, `%2e` and absolute forms would
 * otherwise mean one thing here and another to the origin (threat N15).
 */
export function modelRoute(method: string, target: string): ModelRoute | undefined {
  const end = target.indexOf('?')
  const path = end < 0 ? target : target.slice(0, end)
  const query = end < 0 ? '' : target.slice(end + 1)
  return plainQuery.test(query) ? routes.get(`${method} ${path}`) : undefined
}
