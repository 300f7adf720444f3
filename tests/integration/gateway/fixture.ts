import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { createBooks } from '../../../src/gateway/counting/books.ts'
import { createLedgers } from '../../../src/gateway/counting/ledgers.ts'
import {
  type Credential,
  callersOf,
  createCredentialFile,
} from '../../../src/gateway/credential.ts'
import type { GatewayEvent } from '../../../src/gateway/gateway-log.ts'
import { createGitBroker } from '../../../src/gateway/git/broker.ts'
import { createOwnBranches } from '../../../src/gateway/git/own-branches.ts'
import { defaultPackLimits, type PackLimits } from '../../../src/gateway/git/pack.ts'
import { buildGateway } from '../../../src/gateway/http/app.ts'
import { defaultLimits, type Limits } from '../../../src/gateway/http/limits.ts'
import { createUpstream, type Upstream } from '../../../src/gateway/http/upstream.ts'
import { createMessagesProvider } from '../../../src/gateway/provider/create-provider.ts'
import type { Provider } from '../../../src/gateway/provider/provider.ts'

/** Must never show up where a caller or a log could see it. */
export const sentinel = 'sk-ant-api03-SENTINEL'
export const placeholder = 'sk-ant-api03-placeholder'

export const apiKey: Credential = { kind: 'api-key', secret: `${sentinel}-key`, placeholder }
export const oauthToken: Credential = {
  kind: 'oauth-token',
  secret: `${sentinel}-token`,
  placeholder,
}

/** The headers of a caller that may pass. */
export const genuine = { 'x-api-key': placeholder, 'content-type': 'application/json' }

export interface RunningGateway {
  url: string
  port: number
  credentialFile: string
  usageFolder: string
  /** Everything it logged, in order. */
  events: GatewayEvent[]
  requestEvent(): Promise<Extract<GatewayEvent, { kind: 'request' }>>
  close(): Promise<void>
}

/** A gateway on the loopback, in front of `upstream`. */
export async function startGateway(
  t: Test,
  options: {
    upstream: string
    proxy?: string
    credential?: Credential
    limits?: Partial<Limits>
    dayBudgetUsd?: number
    /** Instead of the Messages API itself. */
    provider?: (upstream: Upstream) => Provider
    /** Instead of a new one. */
    usageFolder?: string
    named?: (text: string) => string
    /** Origins of the hosts of repositories. */
    gitHosts?: Record<string, string>
    pack?: Partial<PackLimits>
    /** The tenants that the loopback belongs to; all when left out. */
    from?: readonly string[]
  },
): Promise<RunningGateway> {
  // Not `t.testdir()`, of which a test has only one: some tests run two gateways.
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const credentialFile = join(folder, 'credential')
  writeFileSync(credentialFile, JSON.stringify(options.credential ?? apiKey), { mode: 0o600 })
  const limits = { ...defaultLimits, ...options.limits }
  const events: GatewayEvent[] = []
  const log = (event: GatewayEvent) => void events.push(event)
  const usageFolder = options.usageFolder ?? join(folder, 'usage')
  if (options.usageFolder === undefined) mkdirSync(usageFolder)
  const books = createBooks({
    openLedger: createLedgers({ folder: usageFolder, log }),
    usdPerDay: options.dayBudgetUsd ?? null,
  })
  await Promise.all(callersOf(options.credential ?? apiKey).map(books.of))
  const to = { origin: options.upstream, proxy: options.proxy ?? '', limits }
  const app = buildGateway({
    credentials: createCredentialFile(credentialFile),
    provider: options.provider?.(createUpstream(to)) ?? createMessagesProvider(createUpstream(to)),
    books,
    git: createGitBroker({
      upstreamOf: host => createUpstream({ ...to, origin: options.gitHosts?.[host] ?? to.origin }),
      branches: createOwnBranches({ path: join(usageFolder, 'git-branches'), log }),
      pack: { ...defaultPackLimits, ...options.pack },
      fetchBytes: limits.bodyBytes,
      log,
    }),
    limits,
    log,
    isFromTenant: async tenant => options.from?.includes(tenant) ?? true,
    ...(options.named && { named: options.named }),
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const close = async () => {
    const closed = app.close()
    app.server.closeAllConnections()
    await closed
  }
  t.teardown(close)
  const isRequest = (event: GatewayEvent) => event.kind === 'request'
  return {
    url,
    port: Number(new URL(url).port),
    credentialFile,
    usageFolder,
    events,
    requestEvent: () => until(() => events.find(isRequest)),
    close,
  }
}

/** An origin that does what `listener` says, for what no scripted API does. */
export async function startOrigin(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Sends bytes as they are and returns all that comes back until the other side closes. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(bytes)
  return text(socket).catch(() => '')
}

/** Waits for something to become true; the test's own time limit is the only clock. */
export async function until<T>(probe: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = probe()
    if (found) return found
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
