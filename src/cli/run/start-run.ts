import { UserError } from '../../base/errors.ts'
import type { ExecStream } from '../../engine/exec-stream.ts'
import type { StackAgent } from '../../operations/remembered-stack/memory.ts'
import { createRunEngine, type Run } from '../../run/engine.ts'
import { createSocketLease } from '../../run/lease/socket-lease.ts'
import { RunRefusal } from '../../run/refusal.ts'
import type { RunRequest } from '../../run/request.ts'
import { createExecTransport } from './exec-transport.ts'
import { runsOf } from './runs-here.ts'

/** Where the folder is in the worker. */
const workspace = '/workspace'

/** Starts a run in a worker that is up. */
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
    parting?: (since: Date) => Promise<readonly string[]>
  },
): Run {
  const engine = createRunEngine({
    transport: createExecTransport(worker, client),
    store: runsOf(worker.stack),
    lease: createSocketLease(worker.stack),
    now: () => new Date(),
    ...(parting && { parting }),
  })
  const run = engine.start(request, { workspace, ...options })
  const result = run.result.catch(error => {
    throw inWordsOfHost(error, request, worker)
  })
  // Whoever reads the events first learns of it later.
  result.catch(() => {})
  return { ...run, result }
}

/** The runner knows the folder by its path in the container, and the user by that on the host. */
export function inWordsOfHost(
  error: unknown,
  { session }: Pick<RunRequest, 'session'>,
  { workspace }: Pick<StackAgent, 'workspace'>,
): unknown {
  if (!(error instanceof RunRefusal) || error.reason !== 'no-session') return error
  if (session.kind !== 'resume') return error
  return new UserError(`there is no session ${session.id} of a run in ${workspace}`, {
    hint: './claude.ts run list --json tells the session of each run; --no-continue begins a new one',
    exitCode: 2,
    cause: error,
  })
}
