import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { messageOf } from '../../base/errors.ts'
import { createByteBudget, holderOf } from '../../tenants/byte-budget.ts'
import { HttpError, invalid } from '../../tenants/http-error.ts'
import type { ServerLimits } from '../limits.ts'
import { callerOf } from './auth.ts'
import { jsonTooComplex } from './json-shape.ts'

export type ReadJson = (request: FastifyRequest) => Promise<unknown>

/**
 * Reads JSON bodies within the limits, all of them together within one more, so that many large requests
 * at once cannot take the server's memory. Returns undefined for an empty body.
 */
export function createJsonReader(limits: ServerLimits, tenants: () => number): ReadJson {
  const { bodyBytes, bodiesBytes, smallBodyBytes } = limits
  const budget = createByteBudget({ total: bodiesBytes, each: bodiesBytes / 2, tenants })

  return async request => {
    const holder = holderOf(callerOf(request))
    let taken = 0
    const take = (bytes: number) => {
      if (bytes > bodyBytes) throw new HttpError(413, `the body is larger than ${bodyBytes} bytes`)
      if (bytes <= smallBodyBytes || bytes <= taken) return
      if (!budget.take(holder, bytes - taken)) throw tooManyLarge()
      taken = bytes
    }
    const late = setTimeout(() => request.raw.destroy(), limits.receiveBodyMilliseconds)
    try {
      const bytes = await readBytes(request.raw, take)
      clearTimeout(late)
      return bytes.length === 0 ? undefined : parseBounded(bytes, request, limits)
    } finally {
      clearTimeout(late)
      budget.give(holder, taken)
    }
  }
}

/** Reads a body; `take` is told its size before it is kept. */
async function readBytes(body: IncomingMessage, take: (bytes: number) => void): Promise<Buffer> {
  const announced = Number(body.headers['content-length'] ?? 0)
  take(announced)
  // Filled without a second copy.
  const whole = Buffer.allocUnsafe(announced)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body) {
      if (announced > 0) chunk.copy(whole, size)
      else chunks.push(chunk)
      size += chunk.length
      take(size)
    }
  } catch (error) {
    if (error instanceof HttpError) throw error
    throw new HttpError(400, 'the body ended early', { cause: error })
  }
  return announced > 0 ? whole.subarray(0, size) : Buffer.concat(chunks)
}

function parseBounded(bytes: Buffer, { raw }: FastifyRequest, limits: ServerLimits): unknown {
  // A web page can send other types without asking first (threat M3).
  if (!isJson(raw.headers['content-type'])) {
    throw invalid(['body'], 'content_type', 'Input should be sent as application/json')
  }
  const problem = jsonTooComplex(bytes, { depth: limits.bodyDepth, values: limits.bodyValues })
  if (problem === 'depth') {
    throw invalid(['body'], 'json_invalid', `JSON has more than ${limits.bodyDepth} levels`)
  }
  if (problem === 'values') {
    throw invalid(['body'], 'json_invalid', `JSON has more than ${limits.bodyValues} values`)
  }
  return parse(bytes)
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    // The parser's words quote the body; its position suffices.
    const position = /position (\d+)/.exec(messageOf(error))?.[1]
    throw invalid(['body', Number(position ?? 0)], 'json_invalid', 'JSON decode error', {})
  }
}

function isJson(type: string | undefined): boolean {
  return type === undefined || /^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type)
}

function tooManyLarge() {
  return new HttpError(503, 'too many large requests, retry later', {
    headers: { 'retry-after': '5' },
  })
}
