import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { buildSync } from 'esbuild'
import type { Test } from 'tap'
import { RunnerEvent } from '../../../src/run/runner-protocol.ts'
import { createSessions } from '../../../src/runner/claude/sessions.ts'
import { createPool } from '../../../src/runner/pool/pool.ts'
import { createRunner } from '../../../src/runner/runner.ts'
import { createRunnerServer } from '../../../src/runner/server.ts'

const repository = join(import.meta.dirname, '../../..')
const token = 'a-token-of-the-test'
const fakeClaude =
  buildSync({
    entryPoints: [join(repository, 'tests/support/fake-claude.ts')],
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
  }).outputFiles[0]?.contents ?? new Uint8Array()

export type TestRunner = Awaited<ReturnType<typeof startRunner>>

/** The runner on a socket of its own, with the fake claude below the real reaper. */
export async function startRunner(
  t: Test,
  options: {
    runs?: number
    warm?: number
    idleMilliseconds?: number
    firstLook?: number
    free?: number
    keepsApart?: boolean
    openAccess?: () => void
    /** What the runner says of the kernel. */
    landlock?: boolean
    interruptMilliseconds?: number
    hasGatewayMoved?: () => Promise<boolean>
  } = {},
) {
  // Short: the path of a socket has 107 bytes.
  const root = mkdtempSync(join(tmpdir(), 'runner-'))
  for (const name of ['workspace', 'workspaces/a', 'workspaces/b', 'homes', 't']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  writeFileSync(join(root, 'fake-claude.mjs'), fakeClaude)
  const claude = join(root, 'claude')
  writeFileSync(claude, `#!/bin/sh\nexec ${process.execPath} ${root}/fake-claude.mjs "$@"\n`)
  chmodSync(claude, 0o755)
  const pool = createPool({
    workspaces: 2,
    size: options.warm ?? 0,
    freeMemory: () => options.free ?? Number.POSITIVE_INFINITY,
    ...(options.firstLook && { firstLook: options.firstLook, helperMilliseconds: 100 }),
    ...(options.idleMilliseconds && { idleMilliseconds: options.idleMilliseconds }),
  })
  const runner = createRunner({
    env: { PATH: process.env.PATH },
    places: {
      workspace: join(root, 'workspace'),
      workspaces: join(root, 'workspaces'),
      homes: join(root, 'homes'),
      temporary: join(root, 't'),
    },
    runs: options.runs ?? 4,
    programs: {
      reaper: join(repository, 'claude/scripts/claude-secure-reaper'),
      claude,
    },
    confinement: null,
    keepsApart: options.keepsApart ?? true,
    sessions: createSessions(join(root, 'homes')),
    pool,
    standingPrompt: join(root, 'standing.md'),
    orphans: false,
    hasServers: false,
    giveUp: error => {
      throw error
    },
    openAccess: options.openAccess ?? (() => {}),
    announceRun: async () => false,
    hasGatewayMoved: options.hasGatewayMoved ?? (async () => false),
    interruptLimits: {
      milliseconds: options.interruptMilliseconds ?? 20_000,
      isCrowded: () => false,
    },
  })
  const { landlock = false } = options
  const status = () => ({ ...runner.status(), landlock })
  const server = createRunnerServer({ ...runner, status }, token)
  const socketPath = join(root, 's')
  server.listen(socketPath)
  await once(server, 'listening')
  t.teardown(async () => {
    await runner.close()
    server.closeAllConnections()
    server.close()
    rmSync(root, { recursive: true, force: true })
  })

  const open = async (method: string, path: string, body?: unknown, bearer = token) => {
    const sent = request({
      socketPath,
      method,
      path,
      agent: false,
      headers: { authorization: `Bearer ${bearer}` },
    })
    sent.on('error', () => {})
    sent.end(typeof body === 'string' ? body : body && JSON.stringify(body))
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return answer
  }
  const ask = async (method: string, path: string, body?: unknown, bearer?: string) => {
    const answer = await open(method, path, body, bearer)
    return { status: answer.statusCode, body: JSON.parse(await text(answer)) }
  }
  /** A run whose events the test reads, or does not. */
  const begin = async (
    prompt: string,
    more: object = {},
    {
      workspace = join(root, 'workspace'),
      runId = randomBytes(8).toString('hex'),
      ...outer
    }: { workspace?: string; runId?: string; asks?: boolean; questionSeconds?: number } = {},
  ) => {
    const answer = await open('POST', '/run', {
      version: 1,
      runId,
      workspace,
      request: { prompt, ...more },
      ...outer,
    })
    return { runId, answer, events: async () => eventsOf(await text(answer)) }
  }
  const run = async (...args: Parameters<typeof begin>) => (await begin(...args)).events()
  const address = { socketPath, readToken: async () => token }
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    await runner.close()
  }
  return { root, runner, pool, address, stop, open, ask, begin, run }
}

export function eventsOf(lines: string) {
  return lines
    .split('\n')
    .filter(Boolean)
    .map(line => RunnerEvent.parse(JSON.parse(line)))
}

type Result = Record<string, unknown> & {
  result: string
  argv: string[]
  initialized: Record<string, unknown>
}

/** The parts of a run that tests look at. */
export function parts(events: RunnerEvent[]) {
  const first = events[0]
  const last = events.at(-1)
  const messages = events.flatMap(event => (event.kind === 'claude' ? [event.message] : []))
  return {
    started: first?.kind === 'started' ? first : null,
    ended: last?.kind === 'ended' ? last : null,
    refused: last?.kind === 'refused' ? last : null,
    notices: events.flatMap(event => (event.kind === 'notice' ? [event.text] : [])),
    messages,
    result: messages.find(({ type }) => type === 'result') as Result | undefined,
  }
}

/** Whether a process lives. */
export function isThere(pid: number): boolean {
  return readdirSync('/proc').includes(String(pid))
}
