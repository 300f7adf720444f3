import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { answerByGit, createBare, run } from './backend.ts'

/** What the stand-in host saw of one request. */
export type Seen = { method: string; url: string; authorization: string; headers: object }

export interface GitHost {
  /** Origin of the host. */
  url: string
  seen: Seen[]
  /** Runs git in a bare repository of the host, and returns its trimmed output. */
  git: (repository: string, ...args: string[]) => string
}

/**
 * Starts a host of repositories on the loopback: git's own `http-backend` behind a password, on bare
 * repositories that have one commit on `main`.
 *
 * @param accepts answers with a status instead, when it returns one.
 */
export async function startGitHost(
  t: Test,
  options: {
    root: string
    repositories: readonly string[]
    login: string
    answer?: (request: IncomingMessage, response: ServerResponse) => boolean
  },
): Promise<GitHost> {
  const { root, repositories, login } = options
  const seen: Seen[] = []
  for (const name of repositories) createBare(join(root, `${name}.git`))
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const authorization = headers.authorization ?? ''
    seen.push({ method, url, authorization, headers })
    if (options.answer?.(request, response)) return
    answerByGit({ root, login }, request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    git: (repository, ...args) => run(['-C', join(root, `${repository}.git`), ...args]),
  }
}
