import type { ExecStream } from '../../docker/exec-stream.ts'
import { createRunEngine, type Run } from '../../run/engine.ts'
import type { RunRequest } from '../../run/request.ts'
import { createSocketLease } from '../../run/socket-lease.ts'
import { createExecTransport } from './exec-transport.ts'
import { runsOf } from './runs-here.ts'
import type { Worker } from './worker-here.ts'

/** Where the folder is in the worker. */
const workspace = '/workspace'

/** Starts a run in a worker that is up. */
export function startRun(
  { worker, client }: { worker: Worker; client: ExecStream | null },
  request: RunRequest,
  options: { signal: AbortSignal; runId?: string; wait?: boolean },
): Run {
  const engine = createRunEngine({
    transport: createExecTransport(worker, client),
    store: runsOf(worker.stack),
    lease: createSocketLease(worker.stack),
    now: () => new Date(),
  })
  return engine.start(request, { workspace, ...options })
}
