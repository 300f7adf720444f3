import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { buildApp, type ServerParts } from '../../../src/server/app.ts'
import { createMetrics } from '../../../src/server/metrics.ts'
import { createRunStarter, type ServerRuns } from '../../../src/tenants/run-starter.ts'
import type { ServerEvent } from '../../../src/tenants/server-log.ts'
import { openAccess } from '../../../src/tenants/tokens.ts'

export const token = 'cs_the-token-of-the-test'

export function storedToken(name: string, secret: string, more: object = {}) {
  const sha256 = createHash('sha256').update(secret).digest('hex')
  return { name, tenant: 'main', sha256, createdAt: '2026-11-29T00:00:00Z', ...more }
}

/** Writes a file as the host does: whole, under its name at once. */
export function writeWhole(path: string, content: unknown) {
  const body = typeof content === 'string' ? content : JSON.stringify(content)
  writeFileSync(`${path}.new`, body)
  renameSync(`${path}.new`, path)
}

/** A folder with the tenants and tokens of a server. */
export function accessFolder(
  t: Test,
  { tenants = [{ name: 'main' }], tokens = [storedToken('default', token)] as object[] } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'server-access-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const write = (given: { tenants?: unknown; tokens?: unknown }) => {
    if (given.tenants) writeWhole(join(folder, 'tenants.json'), { tenants: given.tenants })
    if (given.tokens) writeWhole(join(folder, 'tokens.json'), { version: 1, tokens: given.tokens })
  }
  mkdirSync(folder, { recursive: true })
  write({ tenants, tokens })
  return { folder, write }
}

export type Sent = {
  method?: string
  headers?: Record<string, string | undefined>
  body?: string | Buffer | object
  /** Sends no token when null. */
  bearer?: string | null
}

/** The server's application on a port of its own. */
export async function startServer(
  t: Test,
  options: Partial<ServerParts> & {
    tenants?: { name: string }[]
    tokens?: object[]
    runs?: ServerRuns
    runLimit?: number
    runQueue?: number
  } = {},
) {
  const { tenants, tokens, ...parts } = options
  const events: ServerEvent[] = []
  const log = (event: ServerEvent) => void events.push(event)
  const files = accessFolder(t, {
    ...(tenants && { tenants }),
    ...(tokens && { tokens }),
  })
  const access = openAccess({ folder: files.folder, withoutToken: false, log, now: advancing() })
  const { runs = noRuns, runLimit = 8, runQueue = 128, ...given } = parts
  const metrics = createMetrics()
  const starter = createRunStarter({
    runs,
    runLimit,
    runQueue,
    tenants: () => access.tenants().length,
    log,
    onStart: metrics.started,
    onEnd(tenant, run) {
      metrics.left(tenant)
      if (run) metrics.ended(run)
    },
  })
  const app = await buildApp({
    access,
    starter,
    metrics,
    usageFolder: '/nonexistent',
    hosts: [],
    origins: [],
    workspacesFolder: '/nonexistent',
    strict: false,
    fileBytes: 1_000_000,
    log,
    ...given,
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : 0

  const open = async (
    path: string,
    { method = 'GET', headers, body, bearer = token }: Sent = {},
  ) => {
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body)
    const sent = request({
      port,
      host: '127.0.0.1',
      method,
      path,
      agent: false,
      headers: {
        ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
        ...(isJson && { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    sent.on('error', () => {})
    sent.end(isJson ? JSON.stringify(body) : body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return answer
  }
  const ask = async (path: string, sent?: Sent) => {
    const answer = await open(path, sent)
    const body = await text(answer)
    return { status: answer.statusCode, headers: answer.headers, text: body, body: parsed(body) }
  }
  /** Sends bytes as they are and returns all that comes back. */
  const raw = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(bytes)
    return text(socket)
  }
  return { app, port, starter, open, ask, raw, events, files }
}

const noRuns: ServerRuns = {
  of: () => {
    throw new Error('this test has no runs')
  },
  spentToday: () => ({ usd: 0, tokens: 0 }),
}

/** A clock by which the files are looked at on every request. */
function advancing() {
  let now = 0
  return () => {
    now += 1_000
    return now
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look into answers of many forms
function parsed(body: string): any {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
