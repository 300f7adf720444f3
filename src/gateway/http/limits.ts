/** Bounds of the gateway: no caller may hold its memory, its connections or its patience for ever. */
export interface Limits {
  /** Largest request body in bytes. The Messages API itself takes no more than 32 MiB. */
  bodyBytes: number
  /** Size of all request headers together, in bytes. */
  headerBytes: number
  /** Requests that may be in flight at once; the next one is told that the gateway is overloaded. */
  concurrentRequests: number
  /** Connections that may be open at once; a further one is closed. */
  connections: number
  /** Time a caller has for its request headers, so that half-open requests do not pile up. */
  receiveHeadersMilliseconds: number
  /** Time a caller has for its whole request. */
  receiveMilliseconds: number
  /** Time for each step on the way to the origin: proxy connection, CONNECT, TLS. */
  connectMilliseconds: number
  /** Time the origin has for its response headers. */
  headersMilliseconds: number
  /** Silence that ends an answer. More than the 300 s after which Claude Code itself gives up. */
  idleMilliseconds: number
}

export const defaultLimits: Limits = {
  bodyBytes: 32 * 1024 * 1024,
  headerBytes: 32 * 1024,
  concurrentRequests: 64,
  connections: 256,
  receiveHeadersMilliseconds: 10_000,
  receiveMilliseconds: 300_000,
  connectMilliseconds: 30_000,
  headersMilliseconds: 600_000,
  idleMilliseconds: 600_000,
}
