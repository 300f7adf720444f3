import type { ExecStream } from '../../engine/exec-stream.ts'
import type { StackAgent } from '../../operations/remembered-stack/memory.ts'
import { runStoreOf } from '../../operations/runs.ts'
import { createRunEngine, type Run } from '../../run/engine.ts'
import { createSocketLease } from '../../run/lease.ts'
import type { Answers } from '../../run/question.ts'
import type { RunRequest } from '../../run/request.ts'
import { createExecTransport } from './exec-transport.ts'
import { inWordsOfHost } from './failure-words.ts'

/** Path of the folder in the worker. */
const workspace = '/workspace'

/** Starts a run in a running worker. */
export function startRun(
  { worker, client }: { worker: StackAgent; client: ExecStream | null },
  request: RunRequest,
  {
    parting,
    ...options
  }: {
    signal: AbortSignal
    runId?: string
    wait?: boolean
    asks?: boolean
    questionSeconds?: number
    parting?: (since: Date) => Promise<readonly string[]>
  },
): Run & { answer: (answers: Answers | null) => Promise<void> } {
  const transport = createExecTransport(worker, client)
  const engine = createRunEngine({
    workers: () => transport,
    store: runStoreOf(worker.stack),
    lease: createSocketLease(worker.stack),
    now: () => new Date(),
    ...(parting && { parting }),
  })
  const run = engine.start(request, { workspace, ...options })
  const result = run.result.catch(error => {
    throw inWordsOfHost(error, request, worker)
  })
  // Marks the rejection as handled: a caller may read all events before it awaits the result.
  result.catch(() => {})
  return { ...run, result, answer: answers => engine.answer(run.id, answers) }
}
