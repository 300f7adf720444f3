import type { Readable } from 'node:stream'
import type { Credential } from '../credential.ts'
import type { Upstream } from '../http/upstream.ts'

/** A request of the Messages API as the caller sent it. */
export interface ModelRequest {
  route: 'messages' | 'count-tokens'
  /** Path and query as received. */
  target: string
  rawHeaders: readonly string[]
  body: Readable
  credential: Credential
  signal: AbortSignal
}

/** An answer in the form of the Messages API. */
export interface ModelAnswer {
  statusCode: number
  /** The headers that reach the caller. */
  headers: Record<string, string | string[]>
  body: AsyncIterable<Buffer>
}

/**
 * A service that runs the model. Takes and returns the Messages API, regardless of what the service
 * speaks, and signs with the real credential.
 */
export interface Provider {
  /** The place that failures name. */
  readonly upstream: Pick<Upstream, 'origin' | 'proxy'>
  send(request: ModelRequest): Promise<ModelAnswer>
  close(): Promise<void>
}
