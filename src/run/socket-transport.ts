import type { IncomingMessage } from 'node:http'
import * as z from 'zod'
import { messageOf } from '../base/errors.ts'
import { RunId } from './ids.ts'
import type { RunRequest } from './request.ts'
import {
  askRunner,
  callRunner,
  type RunnerAddress,
  UnknownOutcome,
  unreachable,
} from './runner-client.ts'
import type { RunnerEvent, RunnerInput } from './runner-protocol.ts'
import { type RunTransport, readRunnerEvents } from './transport.ts'

/** Milliseconds. */
export type SocketPatience = {
  /** For the head of an answer: a request of 96 MB has to be read and parsed. */
  answer: number
  /** Without an event of a run, before the runner is asked whether it still answers. */
  idle: number
}
const defaults: SocketPatience = { answer: 30_000, idle: 60_000 }

export const RunnerStatus = z.object({
  runs: z.array(z.object({ runId: RunId, workspace: z.string(), startedAt: z.string() })),
  warm: z.array(z.object({ workspace: z.string() })),
  /** Whether the kernel keeps runs of several workspaces apart. */
  landlock: z.boolean(),
})
export type RunnerStatus = z.infer<typeof RunnerStatus>

/** The settings of a process that is started before its request is known. */
export type WarmProfile = Partial<Pick<RunRequest, 'model' | 'effort' | 'tools'>> & { asks?: true }

export type SocketTransport = RunTransport & {
  status: () => Promise<RunnerStatus>
  /** Starts a process for a later run; false when the runner has no room for it. */
  warm: (workspace: string, profile?: WarmProfile) => Promise<boolean>
}

/**
 * Creates the transport to a runner over HTTP on its unix socket. The runner cancels a run whose connection
 * closes. Nothing that it answers is trusted: it shares a container with the agent.
 */
export function createSocketTransport(
  address: RunnerAddress,
  given: Partial<SocketPatience> = {},
): SocketTransport {
  const { answer, idle } = { ...defaults, ...given }
  const ask = (path: string, body?: unknown) =>
    askRunner(address, { method: body ? 'POST' : 'GET', path, body, timeout: answer })
  const status = async () => RunnerStatus.parse(await ask('/status'))

  return {
    status,

    async warm(workspace, profile = {}) {
      const answered = await ask('/warm', { workspace, request: profile })
      return z.object({ warm: z.boolean() }).parse(answered).warm
    },

    async open(request) {
      const call = { method: 'POST', path: '/run', body: request, timeout: answer } as const
      const response = await callRunner(address, call).catch((error: unknown) => {
        if (error instanceof UnknownOutcome) return error
        throw error
      })
      if (response instanceof UnknownOutcome) return lost(response)
      if (response.statusCode !== 200) {
        response.destroy()
        throw unreachable(`it answered ${response.statusCode}`)
      }
      const { runId } = request
      // Input for a run that has ended meanwhile, or for a dead runner, is lost with the run.
      const send = (input: RunnerInput) => void ask('/input', { runId, input }).catch(() => {})
      return {
        events: eventsOf(response, { idle, isAnswering: status }),
        send,
        cancel: () => send({ kind: 'cancel' }),
        close: () => response.destroy(),
      }
    },
  }
}

/** The connection of a run that the runner may have begun: it reports the loss as its only event. */
function lost(error: UnknownOutcome) {
  const none = () => {}
  // biome-ignore lint/correctness/useYield: it throws before the first event
  const events = (async function* (): AsyncGenerator<RunnerEvent> {
    throw error
  })()
  return { events, send: none, cancel: none, close: none }
}

type IdleCheck = { idle: number; isAnswering: () => Promise<unknown> }

async function* eventsOf(response: IncomingMessage, check: IdleCheck): AsyncGenerator<RunnerEvent> {
  const watch = watchIdle(response, check)
  try {
    yield* readRunnerEvents(watch.chunks)
  } catch (error) {
    throw watch.failure() ?? new Error('the worker closed it', { cause: error })
  } finally {
    watch.stop()
    response.destroy()
  }
}

/** A run can be silent for hours, so that silence alone proves nothing: a runner that answers nothing is lost. */
function watchIdle(response: IncomingMessage, { idle, isAnswering }: IdleCheck) {
  let failure: Error | null = null
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const arm = () => {
    clearTimeout(timer)
    if (!isStopped) timer = setTimeout(look, idle)
  }
  const look = () => {
    isAnswering().then(arm, (error: unknown) => {
      failure = new Error(`the worker does not answer: ${messageOf(error)}`, { cause: error })
      response.destroy(failure)
    })
  }
  return {
    failure: () => failure,
    stop: () => {
      isStopped = true
      clearTimeout(timer)
    },
    chunks: (async function* (): AsyncGenerator<Buffer> {
      arm()
      for await (const chunk of response) {
        arm()
        yield chunk
      }
    })(),
  }
}
