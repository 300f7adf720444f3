import { Worker } from 'node:worker_threads'
import { messageOf } from '../base/errors.ts'
import { RunRefusal } from '../run/failure.ts'
import type { CompileSchema } from '../run/json-schema.ts'
import type { Gate } from './gate.ts'

/** Without `given`, the schema is only compiled. */
export type SchemaTask = { schema: Record<string, unknown>; given: { value: unknown } | null }

export type SchemaVerdict =
  | { kind: 'checked'; problem: string | null }
  | { kind: 'refused'; message: string }

/** A message of the thread: that it is loaded, and then its verdict. */
export type SchemaMessage = { kind: 'loaded' } | SchemaVerdict

type Outcome = SchemaVerdict | { kind: 'late' } | { kind: 'too-large' }

/** Milliseconds in which a thread starts, which says nothing about the schema, on a busy machine. */
const loadMilliseconds = 60_000

/** Megabytes for a schema of 1 MiB and the longest answer of a worker, beside ajv. */
const threadMegabytes = 64

type Limits = {
  milliseconds?: number
  megabytes?: number
}

/**
 * Checks schemas in a thread of their own, one at a time, each for at most `milliseconds` after its start: a schema is the
 * caller's program, and its `pattern` can run for years on a short text (threat M6). Made once for each
 * tenant, so that a tenant waits for at most one schema of each other.
 *
 * @param program the file of `schema-worker.ts`
 * @param gate bounds the threads of all tenants together
 */
export function createSchemaCheck({
  program,
  gate,
  milliseconds = 3_000,
  megabytes = threadMegabytes,
}: {
  program: string
  gate: Gate
} & Limits): CompileSchema {
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = (task: SchemaTask): Promise<Outcome> => {
    const outcome = last.then(() => gate(() => runTask(program, task, { milliseconds, megabytes })))
    last = outcome.catch(() => {})
    return outcome
  }
  const late = `${milliseconds / 1_000} s`

  return async schema => {
    const compiled = await inTurn({ schema, given: null })
    switch (compiled.kind) {
      case 'checked':
        break
      case 'refused':
        throw new RunRefusal('schema', compiled.message)
      case 'late':
        throw new RunRefusal('schema', `the JSON schema could not be compiled within ${late}`)
      case 'too-large':
        throw new RunRefusal('schema', 'the JSON schema takes too much memory to compile')
      default:
        return compiled satisfies never
    }
    return async value => {
      const outcome = await inTurn({ schema, given: { value } }).catch(unchecked)
      switch (outcome.kind) {
        case 'checked':
          return outcome.problem
        case 'refused':
          return outcome.message
        case 'late':
          return `it could not be checked within ${late}`
        case 'too-large':
          return 'it takes too much memory to check'
        default:
          return outcome satisfies never
      }
    }
  }
}

/** The run has ended and cost something by then: its result is kept, as one that does not match. */
function unchecked(error: unknown): SchemaVerdict {
  return { kind: 'refused', message: `it could not be checked: ${messageOf(error)}` }
}

async function runTask(
  program: string,
  task: SchemaTask,
  { milliseconds, megabytes }: Required<Limits>,
): Promise<Outcome> {
  const worker = new Worker(program, {
    workerData: task,
    env: {},
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 8 },
  })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      // A verdict that is there when the time is over still counts.
      const late = () => void setImmediate(resolve, { kind: 'late' })
      timer = setTimeout(late, loadMilliseconds)
      worker.on('message', (message: SchemaMessage) => {
        if (message.kind !== 'loaded') return resolve(message)
        clearTimeout(timer)
        timer = setTimeout(late, milliseconds)
      })
      worker.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve({ kind: 'too-large' })
        else reject(error)
      })
      worker.once('exit', () => reject(new Error('the check of the JSON schema ended early')))
    })
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
