/** Limits of the gateway: no caller may occupy its memory or connections indefinitely. */
export interface Limits {
  /** Maximum request body in bytes. The Messages API itself accepts at most 32 MiB. */
  bodyBytes: number
  /** Maximum size of all request headers together, in bytes. */
  headerBytes: number
  /** Maximum number of requests in flight; a further one is answered with an overload error. */
  concurrentRequests: number
  /** Maximum number of open connections; a further one is closed. */
  connections: number
  /** Timeout for a caller's request headers, so that half-open requests do not pile up. */
  receiveHeadersMilliseconds: number
  /** Timeout for a caller's whole request. */
  receiveMilliseconds: number
  /** Timeout of each step on the way to the origin: proxy connection, CONNECT, TLS. */
  connectMilliseconds: number
  /** Timeout for the origin's response headers. */
  headersMilliseconds: number
  /** Idle timeout of an answer. Longer than the 300 s after which Claude Code itself gives up. */
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
