import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as immediate } from 'node:timers/promises'
import { ApiError } from '../api-error.ts'
import type { Account } from '../counting/accounting.ts'
import type { Credential } from '../credential.ts'
import type { Exchange } from '../gateway-log.ts'
import { callerHeaders, upstreamHeaders } from './headers.ts'
import { ByteMeter, modelName, TooManyBytes } from './request-body.ts'
import { type Upstream, upstreamFailure } from './upstream.ts'

/**
 * Passes one request to the origin and its answer back, both as streams at the slower side's pace,
 * byte for byte. Throws an `ApiError` as long as nothing was answered; after that a broken answer
 * ends in a broken connection, because a clean end would turn half an answer into a whole one.
 */
export async function relay(options: {
  request: IncomingMessage
  response: ServerResponse
  path: string
  credential: Credential
  upstream: Upstream
  bodyBytes: number
  exchange: Exchange
  /** What counts the request, if it is one that costs. */
  account?: Account | undefined
}): Promise<void> {
  const { request, response, path, credential, upstream, bodyBytes, exchange, account } = options
  if (Number(request.headers['content-length'] ?? 0) > bodyBytes) throw tooLarge(bodyBytes)

  const abort = new AbortController()
  const clientGone = () => {
    if (response.writableFinished) return
    exchange.broken ??= 'client-gone'
    abort.abort()
  }
  response.once('close', clientGone)

  const sent = new ByteMeter({
    limit: bodyBytes,
    onFirst: chunk => {
      exchange.model = modelName(chunk)
    },
  })
  exchange.request = sent
  // Not `pipeline`, which would destroy the caller's connection together with a failed body, and
  // with it the answer that says why.
  request.pipe(sent)
  request.once('error', error => sent.destroy(error))

  try {
    const answer = await upstream.post({
      path,
      headers: upstreamHeaders(request.rawHeaders, credential),
      body: sent,
      signal: abort.signal,
    })
    response.writeHead(answer.statusCode, callerHeaders(answer.headers))
    response.flushHeaders()
    const watch = account?.answered(answer.statusCode, answer.headers)
    const passed = { bytes: 0 }
    exchange.answer = passed
    try {
      await pipeline(answer.body, source => joined(source, passed, watch), response)
    } catch {
      exchange.broken ??= 'upstream-broken'
    }
  } catch (error) {
    if (exchange.broken) return
    throw isTooLarge(error, sent) ? tooLarge(bodyBytes) : upstreamFailure(error, upstream)
  } finally {
    account?.end()
    response.off('close', clientGone)
    // What the origin did not want to read is thrown away, so that the connection can go on.
    request.unpipe(sent)
    request.resume()
  }
}

/**
 * Passes on, as one piece, whatever has come: origins send each event as an HTTP chunk of its own, and
 * to write every one by itself costs more than all the rest. What comes first passes at once; what
 * comes in the same turn of the event loop is the next piece.
 */
async function* joined(
  source: AsyncIterable<Buffer>,
  passed: { bytes: number },
  watch: ((chunk: Buffer) => void) | undefined,
) {
  for await (const piece of source) {
    passed.bytes += piece.length
    watch?.(piece)
    yield piece
    await immediate()
  }
}

function isTooLarge(error: unknown, sent: ByteMeter) {
  return error instanceof TooManyBytes || sent.errored instanceof TooManyBytes
}

function tooLarge(bodyBytes: number) {
  return new ApiError(
    413,
    'request_too_large',
    `claude-secure: the request is larger than ${bodyBytes / 1024 / 1024} MiB.`,
  )
}
