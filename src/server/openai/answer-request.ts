import type { FastifyReply, FastifyRequest } from 'fastify'
import { messageOf } from '../../base/errors.ts'
import type { ToolResult } from '../../run/client-tools.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import { leaving, type RunRoutes } from '../api/run.ts'
import type { Call, Calls } from './calls.ts'
import { type Answer, answerOf } from './chat-answer.ts'
import { type ChatParts, type ChatRequest, type ChatRun, startChatRun } from './chat-run.ts'
import type { TakePiece } from './legs.ts'
import type { PausedRuns } from './paused-runs.ts'
import type { RemoteImages } from './remote-images.ts'

export type ChatRoutes = RunRoutes &
  ChatParts & {
    calls: Calls
    paused: PausedRuns
    images: RemoteImages
    now: () => Date
    log: ServerLog
    /** Runs the small calls beside a chat on the smallest model, without tools. */
    sideCalls: boolean
  }

/** An answer that goes out while the run writes it, in the form of one protocol. */
export type AnswerStream = {
  isOpen: () => boolean
  take: TakePiece
  begin: (runId: string) => void
  /** Sends the head while the run waits for its turn. */
  openEarly: () => void
  /** Sends what is left, and the end. */
  finish: (answer: Answer) => Promise<void>
  /** Sends an error in the place of the end, so that a part of an answer does not look like a whole one. */
  fail: (error: unknown) => Promise<void>
  end: () => void
}

export type Asked = Omit<ChatRequest, 'queue'> & {
  /** The results of calls that this request brings. */
  results: readonly ToolResult[]
}

/** Answers a request with a run: that which waits for its results, that which it repeats, or a new one. */
export async function answerRequest(
  { calls, paused, ...parts }: ChatRoutes,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  asked: Asked,
  stream: AnswerStream | null,
): Promise<{ answer: Answer; runId: string }> {
  const { caller, headers, conversation, digest, results } = asked
  const left = leaving(reply)

  /** Finds the run that waits for the results of this request, or starts one. */
  async function follow(): Promise<{ chat: ChatRun; deliver: () => void }> {
    const waiting = paused.take(caller, results)
    if (waiting) {
      const { chat, results } = waiting
      return { chat, deliver: () => chat.deliver(results) }
    }
    const onWait = (runId: string) => {
      if (!stream) return
      reply.header('x-claude-run-id', runId)
      stream.openEarly()
    }
    const queue = { signal: left, onWait }
    return { chat: await startChatRun(parts, { ...asked, queue }), deliver: () => {} }
  }

  /** Returns the call of a repeated request, or a new one. */
  async function begin(): Promise<{ call: Call; chat?: ChatRun }> {
    const repeated = headers.retries ? calls.find(digest) : null
    if (repeated) return { call: repeated }
    const { chat, deliver } = await follow()
    const { run, next } = chat
    const outcome = next(async piece => stream?.take(piece))
    deliver()
    outcome.then(
      ended => ended.kind === 'calls' && paused.keep(caller, chat, ended.calls),
      () => {},
    )
    const call = { runId: run.id, cancel: run.cancel, outcome }
    if (headers.retries !== null) calls.keep(digest, call)
    return { call, chat }
  }

  const { call, chat } = await begin()
  const { runId } = call
  request.runId = runId
  reply.header('x-claude-run-id', runId)
  // A client that gave a key may lose its connection: its run goes on for the next request with that key.
  if (headers.idempotencyKey === null) {
    calls.join(call, { left, mayRetry: () => headers.retries !== null && !stream?.isOpen() })
  }
  stream?.begin(runId)
  const answer = answerOf(await call.outcome, { isStreamed: stream !== null })
  chat?.remember(conversation, answer.text, answer.sessionId)
  return { answer, runId }
}

/** Streams the answer of a request. A failure before the stream has begun keeps its status. */
export async function streamAnswer(
  stream: AnswerStream,
  log: ServerLog,
  answered: () => Promise<{ answer: Answer }>,
): Promise<void> {
  try {
    await stream.finish((await answered()).answer)
  } catch (error) {
    if (!stream.isOpen()) throw error
    if (!(error instanceof HttpError)) log({ kind: 'error', message: messageOf(error) })
    await stream.fail(error)
  } finally {
    stream.end()
  }
}
