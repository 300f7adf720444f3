import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Test } from 'tap'

/**
 * Serves the repositories of a folder by git's own `http-backend`, on loopback. With `login`, such as
 * `user:token`, it requires HTTP's Basic authentication. It ends with the test.
 */
export async function startGitServer(
  t: Test,
  options: {
    root: string
    login?: string
    /** Takes a request before git; false leaves it. */
    before?: (request: IncomingMessage, response: ServerResponse) => boolean
  },
) {
  const seen: { url: string; authorization: string | undefined }[] = []
  const server = createServer((request, response) => {
    const { url = '', headers } = request
    seen.push({ url, authorization: headers.authorization })
    if (!options.before?.(request, response)) serveGit(options, request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { origin: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, seen }
}

/** Answers one request of git, after the login if there is one. */
export function serveGit(
  { root, login }: { root: string; login?: string },
  request: IncomingMessage,
  response: ServerResponse,
) {
  const expected = login && `Basic ${Buffer.from(login).toString('base64')}`
  if (!expected || request.headers.authorization === expected) {
    return backend(root, request, response)
  }
  response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
}

/** One request of the CGI program. */
function backend(root: string, request: IncomingMessage, response: ServerResponse) {
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const { headers } = request
  const child = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      ...{ GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
      ...{ PATH_INFO: path, QUERY_STRING: query, REQUEST_METHOD: request.method },
      ...{ REMOTE_USER: 'ada', CONTENT_TYPE: headers['content-type'] ?? '' },
      CONTENT_LENGTH: headers['content-length'],
      HTTP_CONTENT_ENCODING: headers['content-encoding'],
      GIT_PROTOCOL: headers['git-protocol']?.toString(),
    },
  })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  const chunks: Buffer[] = []
  child.stdout.on('data', chunk => chunks.push(chunk))
  child.once('close', () => {
    const whole = Buffer.concat(chunks)
    const end = whole.indexOf('\r\n\r\n')
    const lines = whole.toString('latin1', 0, end).split('\r\n')
    const fields = Object.fromEntries(lines.map(line => line.split(': ', 2)))
    const { Status: status = '200', ...rest } = fields
    response.writeHead(Number.parseInt(status, 10), rest).end(whole.subarray(end + 4))
  })
}
