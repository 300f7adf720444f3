import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Exchange } from '../gateway-log.ts'
import type { GitTarget } from './git-target.ts'
import { flush, serviceLines } from './pkt-line.ts'

/** Returns the content type of an answer. */
export function answerType({ service, step }: Pick<GitTarget, 'service' | 'step'>): string {
  return `application/x-${service}-${step === 'refs' ? 'advertisement' : 'result'}`
}

const headersOf = (target: GitTarget) => ({
  'content-type': answerType(target),
  'cache-control': 'no-cache',
})

/** Passes an answer on. Throws before its first byte; afterwards it breaks the connection. */
export async function passAnswer(
  {
    response,
    target,
    exchange,
  }: { response: ServerResponse; target: GitTarget; exchange: Exchange },
  body: AsyncIterable<Buffer>,
): Promise<void> {
  const chunks = body[Symbol.asyncIterator]()
  const first = await chunks.next()
  const passed = { bytes: 0 }
  exchange.answer = passed
  async function* all() {
    for (let next = first; !next.done; next = await chunks.next()) {
      passed.bytes += next.value.length
      yield next.value
    }
  }
  response.writeHead(200, headersOf(target))
  // A clean end would make half an answer look complete.
  await pipeline(all, response).catch(() => {
    exchange.broken ??= 'upstream-broken'
  })
}

/** Answers with a refusal that git shows, whose status is 200: for others git shows the status alone. */
export function sendRefusal(response: ServerResponse, target: GitTarget, refusal: Buffer): void {
  const body =
    target.step === 'refs' ? Buffer.concat([serviceLines(target.service), refusal, flush]) : refusal
  response.writeHead(200, { ...headersOf(target), 'content-length': body.length })
  response.end(body)
}
