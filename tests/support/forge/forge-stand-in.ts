import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import type { ForgeKind } from '../../../src/git/forge/find-forge.ts'
import type { ForgeReply, ForgeRoutes, ForgeState, StoredRepository } from './forge-state.ts'
import { giteaRoutes } from './gitea-routes.ts'
import { githubRoutes } from './github-routes.ts'
import { gitlabRoutes } from './gitlab-routes.ts'

const kinds: Record<ForgeKind, { api: string; routes: ForgeRoutes }> = {
  github: { api: '/api/v3', routes: githubRoutes },
  gitlab: { api: '/api/v4', routes: gitlabRoutes },
  gitea: { api: '/api/v1', routes: giteaRoutes },
}

export type SeenRequest = {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

/** Takes a request before the routes; false leaves it to them. */
type Before = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>

export const main: StoredRepository = {
  name: 'ada/tools',
  defaultBranch: 'main',
  branches: new Map([
    ['main', 'a'.repeat(40)],
    ['claude/20261130-080000', 'b'.repeat(40)],
    ['same', 'a'.repeat(40)],
  ]),
  requests: [],
  isPrivate: false,
}

/**
 * Starts a stand-in of a forge on loopback, with the routes, shapes and refusals of the real one. It ends
 * with the test.
 */
export async function startForge(
  t: Test,
  { kind, before }: { kind: ForgeKind | null; before?: Before },
) {
  const seen: SeenRequest[] = []
  const state: ForgeState = {
    repositories: [{ ...main, requests: [] }],
    tokens: new Map([
      ['token-that-writes', 'write'],
      ['token-that-reads', 'read'],
      ['token-without-requests', 'exhausted'],
    ]),
    isClosed: false,
  }
  const server = createServer(async (request, response) => {
    if (await before?.(request, response)) return
    const body = await text(request)
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers, body })
    const reply = kind && answer(kind, { method, url, headers, body }, state, origin)
    send(response, reply ?? { status: 404, body: 'not found' })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return { origin, state, seen, remote: `${origin}/ada/tools.git` }
}
export type ForgeStandIn = Awaited<ReturnType<typeof startForge>>

function answer(
  kind: ForgeKind,
  { method, url, headers, body }: SeenRequest,
  state: ForgeState,
  origin: string,
): ForgeReply | null {
  const { api, routes } = kinds[kind]
  const [path = '', query] = url.split('?')
  if (!path.startsWith(`${api}/`)) return null
  const token = /^(?:Bearer|token) (.+)$/.exec(headers.authorization ?? '')?.[1]
  const request = {
    ...{ method, origin },
    path: path.slice(api.length),
    query: new URLSearchParams(query),
    body: body === '' ? {} : JSON.parse(body),
    right: state.tokens.get(token ?? '') ?? null,
    hasToken: token !== undefined,
  }
  return routes(request, state)
}

function send(response: ServerResponse, { status, headers, body }: ForgeReply) {
  const isText = typeof body === 'string'
  response.writeHead(status, {
    'content-type': isText ? 'text/plain' : 'application/json; charset=utf-8',
    ...headers,
  })
  response.end(isText ? body : JSON.stringify(body))
}
