import type * as z from 'zod'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { readBounded } from '../base/read-bounded.ts'
import { type EngineAddress, type EngineAnswer, engineGet } from './engine-request.ts'

const timeoutMilliseconds = 30_000
const answerBytes = 32 * 1024 * 1024

/** Sends one GET to the engine and returns its JSON, parsed by `schema`. Bounded in time and size. */
export type EngineQuery = <T>(
  schema: z.ZodType<T>,
  path: string,
  options?: { idleMilliseconds?: number },
) => Promise<T>

export function createEngineQuery(address: EngineAddress): EngineQuery {
  return async (schema, path, options) =>
    parseAnswer(schema, path, await readAll(await get(address, path, options)))
}

/** Returns the query parameter that filters a list. */
export function filters(filter: Record<string, readonly string[]>) {
  return `filters=${encodeURIComponent(JSON.stringify(filter))}`
}

/** Starts a GET. `idleMilliseconds: 0` disables the timeout, for followed logs that may stay silent. */
export async function get(
  address: EngineAddress,
  path: string,
  {
    signal,
    idleMilliseconds = timeoutMilliseconds,
  }: { signal?: AbortSignal | undefined; idleMilliseconds?: number } = {},
): Promise<EngineAnswer> {
  try {
    return await engineGet(address, path, { ...(signal && { signal }), idleMilliseconds })
  } catch (error) {
    throw unreachable(address, path, error instanceof Error ? error : new Error(String(error)))
  }
}

async function readAll({ status, body }: Pick<EngineAnswer, 'status' | 'body'>) {
  return { status, body: String(await readBounded(body, answerBytes, "the engine's answer")) }
}

function parseAnswer<T>(
  schema: z.ZodType<T>,
  path: string,
  answer: { status: number; body: string },
) {
  if (answer.status !== 200) throw new EngineStatusError(path, answer.status, answer.body)
  return schema.parse(JSON.parse(answer.body))
}

/** An answer of the engine other than 200. */
export class EngineStatusError extends UserError {
  readonly status: number

  constructor(path: string, status: number, body: string) {
    super(`the container engine answered ${status} to ${path.split('?')[0]}`, {
      hint: `run ${command('doctor')} to check the engine`,
      cause: new Error(body),
    })
    this.status = status
  }
}

function unreachable(address: EngineAddress, path: string, error: NodeJS.ErrnoException) {
  const where = 'socketPath' in address ? address.socketPath : `${address.host}:${address.port}`
  const hints: Record<string, string> = {
    EACCES: 'add yourself to the docker group, or run with sudo',
    // Something listens: `setup` would find the engine running.
    // A restart would leave a volume half removed, and in the way of the next start.
    ETIMEDOUT: path.startsWith('/volumes')
      ? 'the engine may be removing a large volume: wait for its end, then run the command again'
      : 'the engine is busy or hangs: try again, and restart it if it stays silent',
  }
  return new UserError(`cannot reach the container engine at ${where}: ${error.message}`, {
    hint: hints[error.code ?? ''] ?? `run ${command('setup')} to start it`,
    cause: error,
  })
}
