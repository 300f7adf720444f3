import type { Readable } from 'node:stream'
import { isRecord, parseJson } from '../../base/json.ts'
import { ApiError } from '../api-error.ts'
import { headerValues } from '../http/headers.ts'

/** A request whose model and stream belong into the path of another API. */
export interface RequestJson {
  model: string
  stream: boolean
  /** Every other member, unchanged. */
  rest: Record<string, unknown>
}

export interface RequestReader {
  /** Reads and parses a whole body. Call `release` when its bytes are no longer in use. */
  read(body: Readable): Promise<{ request: RequestJson; release: () => void }>
}

/** No service that needs translation accepts more; Amazon Bedrock has the lowest limit. */
const bodyBytes = 20 * 1024 * 1024
/** Bytes of all bodies at once: each is in memory several times while it is translated. */
const heldBytes = 24 * 1024 * 1024

const modelName = /^[\w.@:/[\]-]{1,200}$/

/**
 * Creates a reader of bodies that must be parsed, because a signature covers the whole translated body.
 * Bounds the memory of all of them together.
 */
export function createRequestReader(limits = { bodyBytes, heldBytes }): RequestReader {
  let held = 0
  return {
    async read(body) {
      let size = 0
      const release = () => {
        held -= size
        size = 0
      }
      try {
        const chunks: Buffer[] = []
        for await (const chunk of body as AsyncIterable<Buffer>) {
          size += chunk.length
          held += chunk.length
          if (size > limits.bodyBytes) throw tooLarge(limits.bodyBytes)
          if (held > limits.heldBytes) throw busy()
          chunks.push(chunk)
        }
        return { request: parseRequest(Buffer.concat(chunks).toString()), release }
      } catch (error) {
        release()
        throw error
      }
    },
  }
}

function parseRequest(text: string): RequestJson {
  const value = parseJson(text)
  if (!isRecord(value)) throw invalid('the body is not a JSON object')
  const { model, stream, ...rest } = value
  if (typeof model !== 'string' || !modelName.test(model))
    throw invalid('model is not a model name')
  if (stream !== undefined && typeof stream !== 'boolean') throw invalid('stream is not a boolean')
  return { model, stream: stream === true, rest }
}

function invalid(text: string) {
  return new ApiError(400, 'invalid_request_error', `claude-secure: ${text}.`)
}

function tooLarge(bytes: number) {
  const text = `the request is larger than ${bytes / 1024 / 1024} MiB, the limit of this upstream`
  return new ApiError(413, 'request_too_large', `claude-secure: ${text}.`)
}

function busy() {
  const text = 'claude-secure: too many large requests at once.'
  return new ApiError(529, 'overloaded_error', text, { retry: true })
}

/**
 * Beta features that Amazon Bedrock and Google Vertex AI know. They refuse a request that names any
 * other, such as the ones for Anthropic's own logins.
 */
const known =
  /^(claude-code|compact|computer-use|context-1m|context-management|dev-full-thinking|effort|fine-grained-tool-streaming|interleaved-thinking|output-128k|structured-outputs|token-efficient-tools|tool-examples|tool-search-tool)-\d{4}-?\d{2}-?\d{2}$/

/** Returns the beta features that the caller asked for and that a cloud service knows. */
export function cloudBetas(rawHeaders: readonly string[]): string[] {
  const names = headerValues(rawHeaders, 'anthropic-beta').flatMap(value => value.split(','))
  return [...new Set(names.map(name => name.trim()).filter(name => known.test(name)))]
}
