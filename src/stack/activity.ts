import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { settleConcurrently } from '../base/async.ts'
import { readBounded } from '../base/read-bounded.ts'
import { type ExecStream, prepareExec, startExecStream } from '../engine/container-exec.ts'
import { type ContainerProcess, containerProcesses } from '../engine/container-processes.ts'
import type { Engine } from '../engine/engine.ts'
import type { EngineAddress } from '../engine/engine-request.ts'
import { RunId } from '../run/ids.ts'
import { atWork, inspectStacks, type StackState, serviceOf } from './inspect.ts'
import { serviceOfRuns, serviceOfSessions, tenantOf } from './services.ts'

const Status = z.object({ runs: z.array(z.unknown()) })

const command = ['/usr/local/bin/claude-secure-run', '--status']
const timeoutMilliseconds = 3_000
const answerBytes = 1024 * 1024

/**
 * Asks a worker's runner how many runs are in progress, from any client. Returns null if it does not
 * answer in time.
 */
export async function countActiveRuns(
  address: EngineAddress,
  container: string,
  timeout?: number,
): Promise<number | null> {
  return (await listActiveRunIds(address, container, timeout))?.length ?? null
}

/** Returns the ids of the runs in progress, like `countActiveRuns`. */
export async function listActiveRunIds(
  address: EngineAddress,
  container: string,
  timeout = timeoutMilliseconds,
): Promise<string[] | null> {
  let stream: ExecStream | undefined
  const late = new AbortController()
  const asking = async () => {
    const id = await prepareExec(address, { container, command, workingDirectory: '/' })
    stream = await startExecStream(address, id)
    // The timeout expired while the stream was being opened.
    if (late.signal.aborted) stream.destroy()
    return parseStatus(String(await readBounded(stream.stdout, answerBytes, 'the answer')))
  }
  try {
    const timer = sleep(timeout, null, { ref: false })
    return await Promise.race([asking().catch(() => null), timer])
  } finally {
    late.abort()
    stream?.destroy()
  }
}

/** Returns the ids of the runs in a `--status` response; null when the text is not one. */
export function parseStatus(text: string): string[] | null {
  try {
    return Status.parse(JSON.parse(text)).runs.map(idOf)
  } catch {
    return null
  }
}

/** A run without a valid id counts too. The answer comes from a container and is untrusted. */
function idOf(run: unknown): string {
  const parsed = z.object({ runId: RunId }).safeParse(run)
  return parsed.success ? parsed.data.runId : 'unknown'
}

/** Sessions and runs in progress in a stack. */
export type Activity = {
  /** The interactive session, attached to a terminal or not; `since` is ISO 8601. */
  session: { since: string } | null
  /** Runs in progress. When the runner does not answer: an estimate from the worker's processes. */
  runs: number
}

type AskRunner = (container: string) => Promise<number | null>

/** Each query starts a process in a container. */
const asksAtOnce = 4

/** Returns the activity of each stack, by the stack's name. */
export async function activities(
  engine: Pick<Engine, 'processesWithAge' | 'address'>,
  stacks: readonly StackState[],
  ask: AskRunner = container => countActiveRuns(engine.address, container),
): Promise<Map<string, Activity>> {
  const sessions = stacks.flatMap(stack => runningContainer(stack, serviceOfSessions) ?? [])
  const workers = stacks.flatMap(runningWorkers)
  const runs = new Map<string, number | null>()
  const [processes] = await Promise.all([
    containerProcesses(engine, [...sessions, ...workers]),
    settleConcurrently(workers, asksAtOnce, async worker => {
      runs.set(worker, await ask(worker))
    }),
  ])
  return new Map(
    stacks.map(stack => {
      const claude = runningContainer(stack, serviceOfSessions) ?? ''
      const activity = {
        session: session(processes.get(claude) ?? []),
        runs: runningWorkers(stack)
          .map(worker => runs.get(worker) ?? guessRuns(processes.get(worker) ?? []))
          .reduce((sum, count) => sum + count, 0),
      }
      return [stack.stack, activity]
    }),
  )
}

function session(processes: readonly ContainerProcess[]): Activity['session'] {
  const starts = processes
    .filter(({ command }) => atWork.claude.test(command))
    .map(({ since }) => since)
  return starts.length === 0 ? null : { since: new Date(Math.min(...starts)).toISOString() }
}

/** Claude Code processes without a client may be warm, or belong to a run started over HTTP. */
function guessRuns(processes: readonly Pick<ContainerProcess, 'command'>[]) {
  const clients = processes.filter(({ command }) => isClient(command)).length
  const claude = processes.some(({ command }) => atWork.claude.test(command))
  return Math.max(clients, claude ? 1 : 0)
}

/** `claude-secure-run` with an option queries or cancels; it does not start a run. */
function isClient(command: string) {
  return atWork.worker.test(command) && !/claude-secure-run --/.test(command)
}

/**
 * Returns why a stack must not be taken down: a session is open or a run is in progress. Null otherwise.
 * A runner that does not answer counts as busy when Claude Code runs in its container, so that no
 * run is lost; `stop` ends it. Throws when the engine cannot list the processes.
 */
export async function whyBusy(
  engine: Pick<Engine, 'processes' | 'address'>,
  stack: StackState,
  ask: AskRunner = container => countActiveRuns(engine.address, container),
): Promise<string | null> {
  const claude = runningContainer(stack, serviceOfSessions)
  const worker = runningContainer(stack, serviceOfRuns)
  const [commands, runs] = await Promise.all([
    claude === null ? [] : engine.processes(claude),
    worker === null ? 0 : ask(worker),
  ])
  if (commands.some(command => atWork.claude.test(command))) return 'a session is open'
  if (runs !== null)
    return runs === 0 ? null : runs === 1 ? 'a run is in progress' : `${runs} runs are in progress`
  const inWorker = await engine.processes(worker ?? '')
  return guessRuns(inWorker.map(command => ({ command }))) > 0
    ? 'the runner does not answer, and Claude Code runs in the worker'
    : null
}

/**
 * Returns the ids of the runs in progress, by stack. Omits a stack whose runner does not answer, and never
 * throws: `stop` must work then too.
 */
export async function runsInProgress(
  engine: Pick<Engine, 'containers' | 'address'>,
  stacks: readonly string[],
  ask: (container: string) => Promise<string[] | null> = container =>
    listActiveRunIds(engine.address, container),
): Promise<Map<string, string[]>> {
  const states = await inspectStacks(engine).catch(() => [])
  const found = new Map<string, string[]>()
  await settleConcurrently(
    states.filter(({ stack }) => stacks.includes(stack)),
    asksAtOnce,
    async state => {
      const asked = await Promise.all(runningWorkers(state).map(ask))
      const ids = asked.flatMap(ids => ids ?? [])
      if (ids.length > 0) found.set(state.stack, ids)
    },
  )
  return found
}

/** Returns the containers that run prompts: the worker, or those of a server's tenants. */
export function runningWorkers({ services }: StackState): string[] {
  return services
    .filter(({ name, state }) => state === 'running' && isWorker(name))
    .map(({ container }) => container)
}

function isWorker(name: string) {
  return name === serviceOfRuns || tenantOf(name) !== null
}

function runningContainer(stack: StackState, name: string): string | null {
  const service = serviceOf(stack, name)
  return service?.state === 'running' ? service.container : null
}
