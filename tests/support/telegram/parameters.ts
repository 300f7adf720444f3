import type { IncomingMessage } from 'node:http'
import { ApiError } from './api-error.ts'

/** A file of a request: a field of a form. */
export type Upload = { name: string; type: string; bytes: Buffer }

export type Parameters = {
  values: Record<string, unknown>
  /** By field. Another field names one as `attach://FIELD`. */
  uploads: Map<string, Upload>
}

/** Maximum bytes of a file that a bot sends, and of a request. */
export const mostUploadBytes = 50 * 1024 * 1024
const mostBodyBytes = mostUploadBytes + 1024 * 1024

/** Reads the parameters of a request: its query, and a body as JSON, as a form, or in parts. */
export async function readParameters(request: IncomingMessage): Promise<Parameters> {
  const { searchParams } = new URL(request.url ?? '', 'http://x')
  const body = await readBody(request)
  const type = request.headers['content-type'] ?? ''
  const uploads = new Map<string, Upload>()
  const values: Record<string, unknown> = {}
  for (const [name, value] of searchParams) values[name] = plain(name, value)
  if (type.startsWith('application/json')) Object.assign(values, parsedJson(body))
  else if (body.length > 0) {
    const form = await formOf(body, type)
    for (const [name, value] of form) {
      if (typeof value === 'string') values[name] = plain(name, value)
      else uploads.set(name, await uploadOf(value))
    }
  }
  return { values, uploads }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > mostBodyBytes) throw new ApiError(413, 'Request Entity Too Large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parsedJson(body: Buffer): Record<string, unknown> {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString())
  } catch {
    throw new ApiError(400, "Bad Request: can't parse request: JSON expected")
  }
}

async function formOf(body: Buffer, type: string): Promise<FormData> {
  try {
    // grammY leaves out the spaces that the parser of Node.js insists on.
    const spaced = body
      .toString('latin1')
      .replace(/^content-disposition:form-data;name=/gm, 'content-disposition: form-data; name=')
      .replace(/^(content-disposition: form-data; name="[^"]*");filename=/gm, '$1; filename=')
    const bytes = new Uint8Array(Buffer.from(spaced, 'latin1'))
    return await new Response(bytes, { headers: { 'content-type': type } }).formData()
  } catch {
    throw new ApiError(400, "Bad Request: can't parse request body")
  }
}

async function uploadOf(file: Blob & { name?: string }): Promise<Upload> {
  const { size, type, name = 'blob' } = file
  if (size > mostUploadBytes) throw new ApiError(413, 'Request Entity Too Large')
  return { name, type, bytes: Buffer.from(await file.arrayBuffer()) }
}

/** Parameters that are text as they are; in a form, the others are JSON. */
const texts = /^(?:text|caption|parse_mode|file_id|callback_query_id|description|url|name)$/

function plain(name: string, value: string): unknown {
  if (texts.test(name)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
