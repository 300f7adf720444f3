import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import * as z from 'zod'
import { createDeferred } from '../base/async.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { readBounded } from '../base/read-bounded.ts'
import { whenRoom } from '../base/writable-room.ts'
import { RunId } from '../run/ids.ts'
import { RunRequest } from '../run/request.ts'
import { RunnerInput, RunnerRequest } from '../run/runner-protocol.ts'
import type { Client, Runner } from './runner.ts'

/** Maximum bytes of a run's request: JSON can take six bytes for one byte of text. */
const requestBytes = 96 * 1024 * 1024
const smallBytes = 4 * 1024
const inputBytes = 8 * 1024 * 1024

const WarmRequest = z.strictObject({
  workspace: RunnerRequest.shape.workspace,
  request: RunRequest.pick({ model: true, effort: true, tools: true })
    .extend({ asks: z.literal(true).optional() })
    .default({}),
})

const CancelRequest = z.strictObject({ runId: RunId })
const InputRequest = z.strictObject({ runId: RunId, input: RunnerInput })

/**
 * Serves POST /run, POST /input (answers to a run's questions), POST /cancel, POST /warm and GET /status. Each
 * needs the token: the socket's folder is closed to other users, but a run has the runner's user, and only
 * its confinement keeps the token from it.
 */
export function createRunnerServer(runner: Runner, token: string) {
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else answer(response, error instanceof UserError ? 400 : 500, { error: messageOf(error) })
    })
  })
  server.requestTimeout = 60_000
  server.headersTimeout = 10_000
  server.maxHeadersCount = 50
  return server

  async function handle(request: IncomingMessage, response: ServerResponse) {
    if (!isAuthorized(request, token)) return answer(response, 401, { error: 'no token' })
    switch (`${request.method} ${request.url}`) {
      case 'GET /status':
        return answer(response, 200, runner.status())
      case 'POST /cancel': {
        const body = CancelRequest.safeParse(await readJson(request, smallBytes))
        if (!body.success) return answer(response, 400, { error: 'runId is missing' })
        const found = await runner.cancel(body.data.runId)
        return answer(response, found ? 200 : 404, found ? { ok: true } : { error: 'no such run' })
      }
      case 'POST /input': {
        const body = InputRequest.safeParse(await readJson(request, inputBytes))
        if (!body.success) return answer(response, 400, { error: z.prettifyError(body.error) })
        const { runId, input } = body.data
        // Does not wait for the end of the run, which the caller sees anyway.
        if (input.kind === 'cancel') void runner.cancel(runId)
        const found = input.kind === 'cancel' || give(runId, input)
        return answer(response, found ? 200 : 404, found ? { ok: true } : { error: 'not open' })
      }
      case 'POST /warm': {
        const body = WarmRequest.safeParse(await readJson(request, smallBytes))
        if (!body.success) return answer(response, 400, { error: z.prettifyError(body.error) })
        const { workspace, request: profile } = body.data
        return answer(response, 200, { warm: await runner.warm(workspace, profile) })
      }
      case 'POST /run':
        return serveRun(request, response)
      default:
        return answer(response, 404, { error: 'no such route' })
    }
  }

  function give(runId: string, input: Exclude<RunnerInput, { kind: 'cancel' }>): boolean {
    if (input.kind === 'answer') return runner.answer(runId, input.id, input.answers)
    const { kind: _, ...result } = input
    return runner.deliver(runId, result)
  }

  async function serveRun(request: IncomingMessage, response: ServerResponse) {
    const body = RunnerRequest.safeParse(await readJson(request, requestBytes))
    response.setHeader('content-type', 'application/x-ndjson')
    if (!body.success) {
      const message = z.prettifyError(body.error).replace(/\s+/g, ' ')
      response.end(`${JSON.stringify({ kind: 'refused', reason: 'request', message })}\n`)
      return
    }
    await runner.run(body.data, createClient(response, body.data.runId))
    response.end()
  }
}

/** Sends events as they occur. A slow reader makes claude wait; a disconnected reader cancels the run. */
function createClient(response: ServerResponse, runId: string): Client {
  const gone = new AbortController()
  const waitingOver = createDeferred<void>()
  let isWaitingOver = false
  response.on('error', () => gone.abort())
  response.once('close', () => gone.abort())
  return {
    gone: gone.signal,
    // The header with the id shows the reader that it can cancel the run.
    admitted() {
      response.setHeader('x-run-id', runId)
      response.flushHeaders()
    },
    stopWaiting() {
      isWaitingOver = true
      waitingOver.resolve()
    },
    async emit(line) {
      if (gone.signal.aborted) return
      if (isWaitingOver && response.writableNeedDrain && !line.startsWith('{"kind":"ended"')) return
      if (response.write(`${line}\n`)) return
      await Promise.race([whenRoom(response), waitingOver.promise])
    },
  }
}

function isAuthorized({ headers }: IncomingMessage, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  // Compares digests, because timingSafeEqual needs equal lengths.
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`))
}

/** Returns the body's JSON; undefined when it is not JSON. */
async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  return parseJson(String(await readBounded(request, limit, 'the request')))
}

function answer(response: ServerResponse, status: number, body: object) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}
