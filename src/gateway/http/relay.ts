import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setImmediate as immediate } from 'node:timers/promises'
import { ApiError } from '../api-error.ts'
import type { Account } from '../counting/accounting.ts'
import { createRequestReader } from '../counting/request-reader.ts'
import type { Credential } from '../credential.ts'
import type { Exchange } from '../gateway-log.ts'
import type { ModelRequest, Provider } from '../provider/provider.ts'
import { ByteMeter, modelName, TooManyBytes } from './limits.ts'
import { explainFailure } from './upstream.ts'

/**
 * Passes one request to the provider of the model and its answer back, both as streams at the slower
 * side's pace. Throws an `ApiError` until the answer begins; after that, a broken answer ends in a
 * broken connection, because a clean end would make half an answer look complete.
 */
export async function relay(options: {
  request: IncomingMessage
  response: ServerResponse
  route: ModelRequest['route']
  credential: Credential
  provider: Provider
  bodyBytes: number
  exchange: Exchange
  /** Counts the request, if its route costs money. */
  account?: Account | undefined
}): Promise<void> {
  const { request, response, route, credential, provider, bodyBytes, exchange, account } = options
  const { 'content-length': announced } = request.headers
  if (Number(announced ?? 0) > bodyBytes) throw tooLarge(bodyBytes)

  const abort = new AbortController()
  const clientGone = () => {
    if (response.writableFinished) return
    exchange.broken ??= 'client-gone'
    abort.abort()
  }
  response.once('close', clientGone)

  const body = account && createRequestReader()
  const sent = new ByteMeter({
    limit: bodyBytes,
    onFirst: chunk => {
      exchange.model = modelName(chunk)
    },
    length: announced === undefined ? undefined : Number(announced),
    onChunk: body?.write,
    beforeLast: body && (() => account.asked(body.asked())),
  })
  exchange.request = sent
  // Not `pipeline`, which would destroy the caller's connection together with a failed body, and with
  // it the answer that states the reason.
  request.pipe(sent)
  request.once('error', error => sent.destroy(error))

  try {
    const answer = await provider.send({
      route,
      target: request.url ?? '/',
      rawHeaders: request.rawHeaders,
      body: sent,
      credential,
      signal: abort.signal,
    })
    response.writeHead(answer.statusCode, answer.headers)
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
    if (error instanceof ApiError) throw error
    if (sent.errored instanceof ApiError) throw sent.errored
    if (isTooLarge(error, sent)) throw tooLarge(bodyBytes)
    throw await explainFailure(error, provider.upstream)
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
