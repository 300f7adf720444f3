import { lastLine } from '../../base/terminal-text.ts'
import { stateRoot } from '../../config/paths.ts'
import { settingsInEnvironment } from '../../config/setting-names.ts'
import { type ExecStream, startExecStream } from '../../engine/container-exec.ts'
import { isStillRunning } from '../../operations/remembered-stack/is-still-running.ts'
import { rememberedStack, type StackAgent } from '../../operations/remembered-stack/memory.ts'
import { runStoreOf } from '../../operations/runs.ts'
import { lockFolder } from '../../process/name-lock.ts'
import { createRunEngine, type Run } from '../../run/engine.ts'
import { createSocketLease } from '../../run/lease.ts'
import type { Answers } from '../../run/question.ts'
import type { RunRequest } from '../../run/request.ts'
import { type RunConnection, type RunTransport, readRunnerEvents } from '../../run/transport.ts'
import { serviceOfRuns } from '../../stack/services.ts'
import type { Invocation } from '../invocation.ts'
import { prepareClient } from './early-client.ts'
import { resumeError } from './failure-messages.ts'

/** A running worker, and a started client in it that waits for a request, if there is one. */
export type Place = { worker: StackAgent; client: ExecStream | null }

/** Finds or starts the worker of the current folder. */
export async function workerHere(
  { copy = false }: { copy?: boolean },
  invocation: Invocation,
): Promise<Place> {
  const early = copy ? null : invocation.earlyClient
  if (early) return { worker: early.worker, client: early.exec }
  const known = copy ? null : await rememberedStack(settingsInEnvironment(), serviceOfRuns)
  if (known && (await isStillRunning(known, serviceOfRuns))) return { worker: known, client: null }
  // Loaded on demand: a worker that runs needs none of it.
  const { startHere } = await import('../../operations/start/start-here.ts')
  const { agent } = await startHere(serviceOfRuns, invocation, { copy })
  return { worker: agent, client: null }
}

/** Path of the folder in the worker. */
const workspace = '/workspace'

/** Starts a run in a running worker. */
export function startRun(
  { worker, client }: Place,
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
    lease: createSocketLease(worker.stack, lockFolder(stateRoot())),
    now: () => new Date(),
    ...(parting && { parting }),
  })
  const run = engine.start(request, { workspace, ...options })
  const result = run.result.catch(error => {
    throw resumeError(error, request, worker)
  })
  // Marks the rejection as handled: a caller may read all events before it awaits the result.
  result.catch(() => {})
  return { ...run, result, answer: answers => engine.answer(run.id, answers) }
}

/** Creates the transport to the runner through `docker exec`: the runner cancels when our end closes. */
function createExecTransport(worker: StackAgent, started: ExecStream | null): RunTransport {
  let next = started
  return {
    async open(request): Promise<RunConnection> {
      const exec = next ?? (await startExecStream(worker.address, await prepareClient(worker)))
      next = null
      exec.write(`${JSON.stringify(request)}\n`)
      return {
        events: events(exec),
        send: input => exec.write(`${JSON.stringify(input)}\n`),
        cancel: exec.end,
        close: exec.destroy,
      }
    },
  }
}

async function* events(exec: ExecStream) {
  yield* readRunnerEvents(exec.stdout)
  // Readers stop at the run's last event, so this code runs only when that event is missing.
  const status = await exec.exitStatus()
  const words = lastLine(exec.stderr())
  throw new Error(`the worker ended it with status ${status}${words && ` (${words})`}`)
}
