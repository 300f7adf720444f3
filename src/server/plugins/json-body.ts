import type { FastifyRequest } from 'fastify'
import { messageOf } from '../../base/errors.ts'
import { HttpError, invalid } from '../http-error.ts'
import type { ServerLimits } from '../limits.ts'
import { jsonTooComplex } from './json-shape.ts'

export type ReadJson = (request: FastifyRequest) => Promise<unknown>

/**
 * Reads JSON bodies within the limits, all of them together within one more, so that many large requests
 * at once cannot take the server's memory. Returns undefined for an empty body.
 */
export function createJsonReader(limits: ServerLimits): ReadJson {
  let held = 0

  async function read(request: FastifyRequest, take: (bytes: number) => void): Promise<Buffer> {
    const announced = Number(request.raw.headers['content-length'] ?? 0)
    if (announced > limits.bodyBytes) throw tooLarge(limits)
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of request.raw) {
        size += chunk.length
        if (size > limits.bodyBytes) throw tooLarge(limits)
        take(chunk.length)
        chunks.push(chunk)
      }
    } catch (error) {
      if (error instanceof HttpError) throw error
      throw new HttpError(400, 'the body ended early', { cause: error })
    }
    return Buffer.concat(chunks)
  }

  return async request => {
    const type = request.raw.headers['content-type']
    let taken = 0
    try {
      const bytes = await read(request, size => {
        if (held + size > limits.bodiesBytes) {
          throw new HttpError(503, 'too many large requests, retry later', {
            headers: { 'retry-after': '5' },
          })
        }
        taken += size
        held += size
      })
      if (bytes.length === 0) return undefined
      // A web page can send other types without asking first (threat M3).
      if (!isJson(type)) {
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
    } finally {
      held -= taken
    }
  }
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

function tooLarge({ bodyBytes }: ServerLimits) {
  return new HttpError(413, `the body is larger than ${bodyBytes} bytes`)
}
