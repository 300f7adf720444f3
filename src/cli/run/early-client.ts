import { userEnvironment } from '../../config/environment.ts'
import { settingsInEnvironment } from '../../config/setting-names.ts'
import { type ExecStream, prepareExec, startExecStream } from '../../engine/container-exec.ts'
import { isStillRunning } from '../../operations/remembered-stack/is-still-running.ts'
import { rememberedStack, type StackAgent } from '../../operations/remembered-stack/memory.ts'
import type { RunningAgent } from '../../stack/inspect.ts'
import { serviceOfRuns } from '../../stack/services.ts'
import { commandLine } from '../command-line.ts'
import { workspaceVariable } from '../workspace-variable.ts'

/** A started client of the runner that waits for its request, and the worker it runs in. */
export type EarlyClient = { worker: StackAgent; exec: ExecStream }

/** Options that need a different worker, or none. */
const others = /^(-d|-h|--detach|--copy|--help)$/

/**
 * Starts the client of a `run` whose worker is as the last run left it, in parallel with loading the
 * command line, which takes as long. Null for every other command line. `main` releases a client that
 * no command uses; it then exits without a request.
 */
export async function earlyClient(argv: readonly string[]): Promise<EarlyClient | null> {
  const [command, ...options] = commandLine(argv)
  if (command !== 'run' || options.some(option => others.test(option))) return null
  if (workspaceVariable(userEnvironment())) return null
  const worker = await rememberedStack(settingsInEnvironment(), serviceOfRuns)
  if (!worker) return null
  try {
    const [asLeft, id] = await Promise.all([
      isStillRunning(worker, serviceOfRuns),
      prepareClient(worker),
    ])
    return asLeft ? { worker, exec: await startExecStream(worker.address, id) } : null
  } catch {
    // A full start finds the reason and reports it.
    return null
  }
}

/** Prepares the runner's client in the worker; an exec that is never started costs nothing. */
export function prepareClient({ address, container }: RunningAgent): Promise<string> {
  return prepareExec(address, {
    container,
    command: ['claude-secure-run'],
    workingDirectory: '/workspace',
  })
}
