import { connect } from 'node:net'

/** An answer as it came over the wire. */
export type Answer = {
  status: number
  /** Header names in lower case; a header that comes twice is joined with a comma. */
  headers: Record<string, string>
  body: Buffer
  text: string
  /** The body as JSON; undefined when it is not JSON. */
  json: unknown
}

/**
 * Sends exactly these bytes on a connection of its own, and reads one answer. A program's HTTP client would
 * write the request in its own way. Rejects when the connection ends before the answer does.
 */
export function exchange(
  url: string,
  request: string | Buffer | readonly (string | Buffer)[],
  { timeout = 300_000 }: { timeout?: number } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const parts = Array.isArray(request) ? request : [request]
  const bodiless = /^HEAD /.test(String(parts[0]).slice(0, 5))
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received: Buffer = Buffer.alloc(0)
    const end = (result: Answer | Error) => {
      clearTimeout(timer)
      socket.destroy()
      if (result instanceof Error) reject(result)
      else resolve(result)
    }
    const timer = setTimeout(() => end(new Error(`no answer: ${received}`)), timeout)
    const look = (ended: boolean) => {
      const answer = parseAnswer(received, { ended, bodiless })
      if (answer) end(answer)
      else if (ended) end(new Error(`the connection ended in the answer: ${received}`))
    }
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      look(false)
    })
    socket.on('end', () => look(true))
    socket.on('error', error => {
      if (received.length === 0) end(error)
    })
    for (const part of parts) socket.write(part)
  })
}

/** Parses the bytes of one answer; returns null until it is complete. */
export function parseAnswer(
  bytes: Buffer,
  { ended, bodiless }: { ended: boolean; bodiless: boolean },
): Answer | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const [line = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1])
  const rest = bytes.subarray(headEnd + 4)
  if (status === 100) return parseAnswer(rest, { ended, bodiless })
  const headers: Record<string, string> = {}
  for (const each of lines) {
    const at = each.indexOf(':')
    const name = each.slice(0, at).toLowerCase()
    const value = each.slice(at + 1).trim()
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`
  }
  const body = bodyOf(rest, headers, ended, bodiless || status === 204 || status === 304)
  if (!body) return null
  const text = body.toString()
  return { status, headers, body, text, json: jsonOf(text) }
}

function bodyOf(bytes: Buffer, headers: Record<string, string>, ended: boolean, none: boolean) {
  if (none) return Buffer.alloc(0)
  if (/chunked/i.test(headers['transfer-encoding'] ?? '')) return dechunk(bytes)
  const length = headers['content-length']
  if (length === undefined) return ended ? bytes : null
  return bytes.length >= Number(length) ? bytes.subarray(0, Number(length)) : null
}

function dechunk(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return null
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (size === 0) return Buffer.concat(parts)
    if (bytes.length < lineEnd + size + 4) return null
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + size + 4
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
