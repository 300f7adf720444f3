import { execFileSync, spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Makes a bare repository with one commit on `main`. */
export function createBare(path: string) {
  run(['init', '-q', '--bare', '--initial-branch=main', path])
  // Whatever the clients ask for: the broker must refuse it, not this host.
  for (const [name, value] of [
    ['http.receivepack', 'true'],
    ['receive.advertisePushOptions', 'true'],
    ['receive.advertiseAtomic', 'true'],
    ['uploadpack.allowAnySHA1InWant', 'true'],
  ] as const) {
    run(['-C', path, 'config', name, value])
  }
  const tree = run(['-C', path, 'mktree'], '')
  const commit = run(['-C', path, 'commit-tree', '-m', 'the first commit', tree])
  run(['-C', path, 'update-ref', 'refs/heads/main', commit])
}

const identity = {
  ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@a.test', GIT_COMMITTER_NAME: 'a' },
  ...{ GIT_COMMITTER_EMAIL: 'a@a.test', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
}

/** Runs git, and returns its trimmed output. */
export function run(args: readonly string[], input?: string): string {
  const env = { PATH: process.env.PATH, HOME: '/nowhere', ...identity }
  return execFileSync('git', args, { env, input, stdio: ['pipe', 'pipe', 'pipe'] })
    .toString()
    .trim()
}

/** Answers a request by git's own CGI program, or with 401 without this login. */
export function answerByGit(
  { root, login }: { root: string; login: string },
  request: IncomingMessage,
  response: ServerResponse,
) {
  if (request.headers.authorization !== `Basic ${Buffer.from(login).toString('base64')}`) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="host"' }).end('who are you')
    return
  }
  const { pathname, search } = new URL(request.url ?? '', 'http://host')
  const { headers } = request
  const [file = 'git', ...args] = [process.env.GIT_HTTP_BACKEND ?? ['git', 'http-backend']].flat()
  const child = spawn(file, args, {
    env: {
      PATH: process.env.PATH,
      ...identity,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: headers['content-type'] ?? '',
      ...(headers['content-length'] && { CONTENT_LENGTH: headers['content-length'] }),
      ...(headers['content-encoding'] && { HTTP_CONTENT_ENCODING: headers['content-encoding'] }),
      ...(headers['git-protocol'] && { HTTP_GIT_PROTOCOL: String(headers['git-protocol']) }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  // A client that breaks off ends the input early, as with a web server.
  request.pipe(child.stdin)
  request.once('close', () => child.stdin.end())
  child.stdin.on('error', () => {})
  let head = ''
  child.stdout.on('data', (chunk: Buffer) => {
    if (response.headersSent) return void response.write(chunk)
    head += chunk.toString('latin1')
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    const lines = head
      .slice(0, end)
      .split('\r\n')
      .map(line => line.split(': '))
    const { Status: status = '200', ...rest } = Object.fromEntries(lines)
    response.writeHead(Number(status.slice(0, 3)), rest)
    response.write(Buffer.from(head.slice(end + 4), 'latin1'))
  })
  child.once('close', () => response.end())
}
