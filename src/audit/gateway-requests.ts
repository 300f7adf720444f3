import { randomBytes } from 'node:crypto'

/** A request to the gateway. The canary recognises it by its mark. */
export type Sent = { name: string; text: string; mark: string }

const mark = () => `n15-${randomBytes(8).toString('hex')}`

/** Builds a request that the gateway must pass on, without the headers of the caller. */
export function goodRequest(placeholder: string): Sent {
  const own = mark()
  const headers = [
    `x-api-key: ${placeholder}`,
    'cookie: a=b',
    'x-forwarded-for: 192.0.2.7',
    'forwarded: for=192.0.2.7',
    'x-foreign: 1',
    'proxy-authorization: Basic eDp4',
  ]
  return { name: 'good', mark: own, text: message(own, { headers }) }
}

/** Builds a message with a mark in its body and in a header that the gateway passes on. */
function message(
  mark: string,
  more: { line?: string; headers?: readonly string[]; body?: string; length?: boolean } = {},
): string {
  const { line = 'POST /v1/messages', headers = [], length = true } = more
  const body = more.body ?? JSON.stringify({ model: 'audit', mark })
  const head = [
    `${line} HTTP/1.1`,
    'host: gateway:8787',
    `user-agent: ${mark}`,
    'content-type: application/json',
    ...headers,
    ...(length ? [`content-length: ${body.length}`] : []),
    'connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

/** Builds the requests that must not arrive at the API. Their names begin with `key`, `route` or `form`. */
export function hostileRequests(placeholder: string): Sent[] {
  const genuine = `x-api-key: ${placeholder}`
  const foreign = `sk-ant-api03-${randomBytes(16).toString('hex')}`
  const make = (name: string, more: Parameters<typeof message>[1]): Sent => {
    const own = mark()
    return { name, mark: own, text: message(own, more) }
  }
  const keys: [string, string[]][] = [
    ['key: none', []],
    ['key: foreign', [`x-api-key: ${foreign}`]],
    ['key: foreign bearer', [`authorization: Bearer ${foreign}`]],
    ['key: foreign beside the placeholder', [genuine, `x-api-key: ${foreign}`]],
    ['key: foreign before the placeholder', [`x-api-key: ${foreign}`, genuine]],
    ['key: foreign bearer beside it', [genuine, `authorization: Bearer ${foreign}`]],
    ['key: basic beside it', [genuine, 'authorization: Basic eDp4']],
    ['key: cut off', [`x-api-key: ${placeholder.slice(0, -1)}`]],
    ['key: longer', [`x-api-key: ${placeholder}x`]],
    ['key: empty', ['x-api-key: ']],
  ]
  const lines = [
    'POST /v1/files',
    'GET /v1/models',
    'GET /v1/messages',
    'PUT /v1/messages',
    'POST //v1/messages',
    'POST /v1/messages/',
    'POST /v1/messages/../files',
    'POST /v1/messages/%2e%2e/files',
    'POST /v1/messages%2f..%2ffiles',
    'POST /v1/messages/batches',
    'POST /v1/messages;x',
    'POST /V1/MESSAGES',
    'POST http://api.anthropic.com/v1/messages',
    'POST /v1/messages?a=%0d%0aX-Foreign:1',
    'POST /v1/messages?a=../../files',
    'POST /v1/messages#x',
    'POST /v1/complete',
    'POST /',
  ]
  const hidden = mark()
  const smuggled = message(hidden, { line: 'POST /v1/files', headers: [genuine] })
  const chunked = 'transfer-encoding: chunked'
  return [
    ...keys.map(([name, headers]) => make(name, { headers })),
    ...lines.map(line => make(`route: ${line}`, { line, headers: [genuine] })),
    make('form: two lengths', { headers: [genuine, 'content-length: 3'] }),
    make('form: length and chunks', { headers: [genuine, chunked], body: '0\r\n\r\n' }),
    make('form: chunks twice', {
      headers: [genuine, chunked, chunked],
      length: false,
      body: '0\r\n\r\n',
    }),
    make('form: an unknown coding', { headers: [genuine, 'transfer-encoding: x'], length: false }),
    make('form: a line folded', { headers: [genuine, 'x-app: a\r\n b: c'] }),
    make('form: a bare CR', { headers: [genuine, 'x-app: a\rx-api-key: b'] }),
    make('form: NUL', { headers: [genuine, 'x-app: a\0b'] }),
    make('form: a large header', { headers: [genuine, `x-app: ${'a'.repeat(64 * 1024)}`] }),
    make('form: a space before the colon', { headers: [genuine, 'content-length : 5'] }),
    {
      name: 'form: a second request behind the first',
      mark: hidden,
      text: message(mark(), {
        headers: [genuine, chunked],
        length: false,
        body: `0\r\n\r\n${smuggled}`,
      }),
    },
  ]
}
