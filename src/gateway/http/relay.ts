import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as immediate } from 'node:timers/promises'
import { ApiError } from '../api-error.ts'
import type { Account } from '../counting/accounting.ts'
import type { Credential } from '../credential.ts'
import type { Exchange } from '../gateway-log.ts'
import { callerHeaders, upstreamHeaders } from './headers.ts'
import { ByteMeter, modelName, TooManyBytes } from './limits.ts'
import { explainFailure, type Upstream } from './upstream.ts'

/**
 * Passes one request to the origin and its answer back, both as streams at the slower side's pace,
 * byte for byte. Throws an `ApiError` until the answer begins; after that, a broken answer ends in a
 * broken connection, because a clean end would make half an answer look complete.
 */
export async function relay(options: {
  request: IncomingMessage
  response: ServerResponse
  path: string
  credential: Credential
  upstream: Upstream
  bodyBytes: number
  exchange: Exchange
  /** Counts the request, if its route costs money. */
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
  // Not `pipeline`, which would destroy the caller's connection together with a failed body, and with
  // it the answer that states the reason.
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
    throw isTooLarge(error, sent) ? tooLarge(bodyBytes) : await explainFailure(error, upstream)
  } finally {
    account?.end()
    response.off('close', clientGone)
    // Discard what the origin did not read, so that the connection can be reused.
    request.unpipe(sent)
    request.resume()
  }
}

/**
 * Joins the chunks of one turn of the event loop into one: origins send each event as an HTTP chunk of
 * its own, and writing each separately costs more than all other work. The first chunk passes at once.
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
