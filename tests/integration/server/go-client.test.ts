import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import * as z from 'zod'
import { type Answer, parseAnswer } from '../../support/http/exchange.ts'
import { repository } from '../../support/stack/checkout.ts'
import { until } from '../../support/stack/process.ts'
import { startContractTarget } from './contract-target.ts'

/*
 * Requests that a program with Go's net/http wrote, byte for byte: tests/support/go-client/record.go sends
 * what claudebox's Go client sends. The answers are judged by the members that its decoder has a field for.
 */
const Recorded = z.array(z.strictObject({ name: z.string(), bytes: z.string() }))
const recorded = new Map(
  Recorded.parse(
    JSON.parse(await readFile(join(repository, 'tests/support/go-client/requests.json'), 'utf8')),
  ).map(({ name, bytes }) => [name, bytes]),
)
const { url } = await startContractTarget(t)

const Listing = z.object({
  path: z.string(),
  entries: z.array(z.object({ name: z.string(), type: z.string(), size: z.int().nullish() })),
})

/** Go leaves a member that is missing or null at its zero, and fails on one of another type. */
const [text, count, amount] = [z.string().nullish(), z.int().nullish(), z.number().nullish()]
const Tokens = {
  ...{ inputTokens: count, outputTokens: count },
  ...{ cacheCreationInputTokens: count, cacheReadInputTokens: count },
}
const Result = z.object({
  ...{ runId: text, type: text, subtype: text, result: text, isError: z.boolean().nullish() },
  ...{ numTurns: count, durationMs: count, durationApiMs: count, stopReason: text },
  ...{ sessionId: text, totalCostUsd: amount, uuid: text, fastModeState: text },
  usage: z.object({ ...Tokens, serviceTier: text, inferenceGeo: text, speed: text }).nullish(),
  modelUsage: z
    .record(
      z.string(),
      z.object({
        ...{ ...Tokens, webSearchRequests: count, costUSD: amount },
        ...{ contextWindow: count, maxOutputTokens: count },
      }),
    )
    .nullish(),
  turns: z
    .array(
      z.object({
        role: text,
        content: z.array(z.object({ type: text, text, name: text, content: text })).nullish(),
      }),
    )
    .nullish(),
  system: z
    .object({ sessionId: text, model: text, cwd: text, tools: z.array(z.string()).nullish() })
    .nullish(),
  permissionDenials: z.array(z.unknown()).nullish(),
})

/** One connection that all requests share, as Go's pool of connections does. */
function openConnection(t: Test) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  const state = { received: Buffer.alloc(0), ended: false }
  socket.on('data', chunk => {
    state.received = Buffer.concat([state.received, chunk])
  })
  socket.once('close', () => {
    state.ended = true
  })
  socket.on('error', () => {})
  const wait = <T>(what: string, probe: () => T | null | false) =>
    until(what, async () => {
      const found = probe()
      if (!found && state.ended) throw new Error(`the connection ended: ${state.received}`)
      return found
    })
  const answer = async (what: string): Promise<Answer> => {
    const found = await wait(what, () =>
      parseAnswer(state.received, { ended: false, bodiless: false }),
    )
    state.received = Buffer.alloc(0)
    return found
  }
  /** Sends a recorded request, for the run `runId` in the place of the recorded one. */
  const send = async (name: string, runId = '0123456789abcdef') => {
    const bytes = recorded.get(name)?.replace('0123456789abcdef', runId)
    if (bytes === undefined) throw new Error(`no request is called ${name}`)
    if (!bytes.includes('Expect: 100-continue')) {
      socket.write(bytes)
      return answer(name)
    }
    const headEnd = bytes.indexOf('\r\n\r\n') + 4
    socket.write(bytes.slice(0, headEnd))
    await wait('100 Continue', () => /^HTTP\/1\.1 100 /.test(state.received.toString('latin1')))
    socket.write(bytes.slice(headEnd))
    return answer(name)
  }
  return { socket, send, connected: once(socket, 'connect') }
}

/** Reads an answer as the client does: 2xx, not compressed, JSON. */
function decoded({ status, headers, text, json }: Answer) {
  if (status !== 200) throw new Error(`HTTP ${status}: ${text}`)
  if (headers['content-encoding'] !== undefined) throw new Error('the answer is compressed')
  return json as Record<string, unknown>
}

t.test('one connection carries every request of the Go client', async t => {
  const { send, connected } = openConnection(t)
  await connected
  const ask = async (name: string, runId?: string) => decoded(await send(name, runId))

  t.same(await ask('health'), { status: 'ok' })
  t.match(await ask('status'), { busyWorkspaces: Array, runs: Array })

  const path = '/workspaces/p/café/a b.json'
  t.same(await ask('put'), { status: 'ok', path, size: 9 })
  t.same(await ask('put chunked'), { status: 'ok', path: '/workspaces/p/chunked', size: 9 })
  t.same(await ask('put expect'), { status: 'ok', path: '/workspaces/p/expected', size: 9 })
  t.same(await ask('put empty'), { status: 'ok', path: '/workspaces/p/empty', size: 0 })
  t.same(await ask('list'), {
    path: 'p/café',
    entries: [{ name: 'a b.json', type: 'file', size: 9 }],
  })
  const { path: asked, entries } = Listing.parse(await ask('list root'))
  t.equal(asked, '/')
  t.match(
    entries.find(({ name }) => name === 'p'),
    { type: 'dir' },
  )
  t.match(await send('read'), { status: 200, text: '{"half of' })

  const run = await ask('run')
  t.match(run, {
    ...{ runId: /^[0-9a-f]{16}$/, type: 'result', subtype: 'success', isError: false },
    result: /<GO> & \u2028é/,
    ...{ sessionId: String, turns: Array, permissionDenials: Array },
  })
  t.equal(Result.safeParse(run).error, undefined, 'every member has the type that Go decodes')
  t.match(await ask('run map'), { isError: false, result: /MAP/ })
  // A finished run is decoded from its whole result, which has no status.
  t.same({ ...run, ...(await ask('result', String(run.runId))) }, run)

  const started = await ask('run async')
  t.match(started, { runId: /^[0-9a-f]{16}$/, workspace: '/workspaces/p', status: 'running' })
  const runId = String(started.runId)
  t.match(await ask('result', runId), { runId, status: 'running' })
  t.same(await ask('cancel run', runId), { status: 'ok', runId, workspace: '/workspaces/p' })
  t.match(await ask('result', runId), { runId, status: 'cancelled' })
  await ask('run async')
  t.match(await ask('cancel'), { status: 'ok', workspace: '/workspaces/p' })
  const idle = await send('cancel idle')
  t.match(idle, { status: 404, json: { detail: /no running process/ } })

  t.same(await ask('delete'), { status: 'ok', path })
})

t.test('each request alone on a connection gets an answer that the client reads', async t => {
  for (const name of ['health', 'status', 'put chunked', 'put expect', 'list root', 'run map']) {
    t.type(decoded(await openConnection(t).send(name)), 'object', name)
  }
})
