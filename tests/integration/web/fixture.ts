import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { type ClientOptions, WebSocket } from 'ws'
import { silentLog } from '../../../src/base/log.ts'
import { createAccess, socketProtocol } from '../../../src/web/access.ts'
import { buildWebApp } from '../../../src/web/app.ts'
import type { WebParts } from '../../../src/web/web-parts.ts'
import { createFakeSources } from '../../support/web/fake-sources.ts'

export const token = 'the-token-of-the-test'
export const page = {
  html: '<p nonce="{{nonce}}">',
  script: 'script()',
  style: 'p {}',
  icon: '<svg/>',
}

/** The page's server on a port of its own, with sources of the test. */
export async function startWeb(t: Test, options: Partial<WebParts> = {}) {
  const fake = createFakeSources()
  let port = 0
  const app = await buildWebApp({
    access: createAccess(token),
    port: () => port,
    sources: fake.sources,
    page,
    calledAs: './claude.ts',
    log: silentLog,
    ...options,
    limits: { lookMilliseconds: 20, ...options.limits },
  })
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  port = (app.server.address() as AddressInfo).port
  const origin = `http://127.0.0.1:${port}`
  const opened: WebSocket[] = []
  t.teardown(() => {
    for (const socket of opened) socket.terminate()
  })

  /** Opens a websocket as the page does; a test changes parts of it. */
  const socket = (path: string, more: ClientOptions & { protocols?: string[] } = {}) => {
    const { protocols = [socketProtocol, `token.${token}`], ...rest } = more
    const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { origin, ...rest })
    opened.push(client)
    client.on('error', () => {})
    return client
  }
  return { ...fake, app, port, origin, socket }
}

/** Resolves with the status of the answer to an upgrade: 101 when it was accepted. */
export function upgradeStatus(client: WebSocket): Promise<number> {
  return new Promise(resolve => {
    client.once('upgrade', ({ statusCode = 0 }) => resolve(statusCode))
    client.once('unexpected-response', (request, { statusCode = 0 }) => {
      request.destroy()
      resolve(statusCode)
    })
  })
}

/** Collects the messages of a websocket, and waits for one. */
export async function openSocket(client: WebSocket) {
  const texts: Record<string, unknown>[] = []
  const bytes: Buffer[] = []
  client.on('message', (data: Buffer, isBinary) => {
    if (isBinary) bytes.push(data)
    else texts.push(JSON.parse(String(data)))
  })
  await once(client, 'open')
  return {
    client,
    texts,
    output: () => Buffer.concat(bytes).toString(),
    closed: once(client, 'close'),
  }
}
