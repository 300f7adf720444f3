import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { until } from '../base/async.ts'
import { messageOf, systemCode } from '../base/errors.ts'
import { isRecord, parseJson } from '../base/json.ts'
import { readBounded } from '../base/read-bounded.ts'
import { RunRefusal } from './failure.ts'

/** The socket of a runner, and the token that it asks for. */
export type RunnerAddress = {
  /** At most 107 bytes, as the kernel allows. */
  socketPath: string
  /** Called for each request, because a restarted worker can have another token. */
  readToken: () => Promise<string>
}

export type RunnerCall = {
  method: 'GET' | 'POST'
  path: string
  body?: unknown
  /** Milliseconds until the head of the response. */
  timeout: number
}

/** The runner received the request, and its answer did not arrive: it may work on it. */
export class UnknownOutcome extends Error {}

/** Maximum bytes of an answer that is not a run's stream. The worker is hostile. */
const answerBytes = 1024 * 1024

/** A run can close the socket to its owner; the runner opens it again each second. */
const closedMilliseconds = 5_000
const retryMilliseconds = 100

/**
 * Sends a request and resolves with the response once its head has arrived. Throws a `RunRefusal`
 * (unreachable) when the runner cannot have begun, and `UnknownOutcome` when it can.
 */
export async function callRunner(
  address: RunnerAddress,
  call: RunnerCall,
): Promise<IncomingMessage> {
  let refusal: unknown
  const response = await until(
    () =>
      callOnce(address, call).catch((error: unknown) => {
        if (!isClosed(error)) throw error
        refusal = error
        return null
      }),
    { every: retryMilliseconds, timeout: closedMilliseconds },
  )
  if (response) return response
  throw refusal
}

function isClosed(error: unknown): boolean {
  return error instanceof RunRefusal && systemCode(error.cause) === 'EACCES'
}

async function callOnce(
  { socketPath, readToken }: RunnerAddress,
  { method, path, body, timeout }: RunnerCall,
): Promise<IncomingMessage> {
  const token = await readToken().catch((cause: unknown) => {
    throw unreachable(`its token cannot be read (${systemCode(cause) ?? 'unknown error'})`, cause)
  })
  const text = body === undefined ? '' : JSON.stringify(body)
  const sent = httpRequest({
    socketPath,
    method,
    path,
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    },
  })
  const response = await headOf(sent, text, timeout)
  if (response.statusCode === 401) {
    response.destroy()
    throw unreachable('it refused the token')
  }
  return response
}

/** Calls a route that answers with JSON, and returns that. */
export async function askRunner(address: RunnerAddress, call: RunnerCall): Promise<unknown> {
  const response = await callRunner(address, call)
  const stop = setTimeout(() => response.destroy(new Error('it did not end')), call.timeout)
  try {
    const answer = parseJson(String(await readBounded(response, answerBytes, 'its answer')))
    if (response.statusCode === 200) return answer
    const words = isRecord(answer) && typeof answer.error === 'string' ? answer.error : 'no reason'
    throw new Error(`it answered ${response.statusCode}: ${words.slice(0, 500)}`)
  } finally {
    clearTimeout(stop)
    response.destroy()
  }
}

function headOf(sent: ClientRequest, text: string, timeout: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let isConnected = false
    const timer = setTimeout(() => {
      sent.destroy(new Error(`no answer within ${timeout / 1_000} s`))
    }, timeout)
    sent.once('socket', socket => {
      socket.once('connect', () => {
        isConnected = true
      })
    })
    sent.once('response', response => {
      clearTimeout(timer)
      resolve(response)
    })
    // Stays: an error after the response is reported by the response, too.
    sent.on('error', error => {
      clearTimeout(timer)
      const words = systemCode(error) ?? messageOf(error)
      reject(isConnected ? new UnknownOutcome(words, { cause: error }) : unreachable(words, error))
    })
    sent.end(text)
  })
}

export function unreachable(words: string, cause?: unknown): RunRefusal {
  return new RunRefusal('unreachable', `cannot reach the worker: ${words}`, { cause })
}
