import { settingsInEnvironment } from '../../config/setting-names.ts'
import { type ExecStream, prepareExec, startExecStream } from '../../engine/exec-stream.ts'
import type { RunningAgent } from '../../stack/running-agent.ts'
import { commandLine } from '../command-line.ts'
import { rememberedSession, runsAsLeft } from '../quick-session.ts'
import type { Worker } from './worker-here.ts'

/** A client of the runner that has started and waits for its request, and where it is. */
export type EarlyClient = { worker: Worker; exec: ExecStream }

/** They need another worker than the one that is there, or none. */
const others = /^(-d|-h|--detach|--copy|--help)$/

/**
 * For `run`, where the worker is as the last run left it: starts the client in it. It starts while the
 * command line is still being loaded, which takes as long. Null for every other command line; `main`
 * lets go of a client that nobody takes, and it ends without having asked for anything.
 */
export async function earlyClient(argv: readonly string[]): Promise<EarlyClient | null> {
  const [command, ...options] = commandLine(argv)
  if (command !== 'run' || options.some(option => others.test(option))) return null
  const worker = await rememberedSession(settingsInEnvironment(), 'worker')
  if (!worker) return null
  try {
    const [asLeft, id] = await Promise.all([runsAsLeft(worker, 'worker'), prepareClient(worker)])
    return asLeft ? { worker, exec: await startExecStream(worker.address, id) } : null
  } catch {
    // The long way finds out what is wrong, and says it.
    return null
  }
}

/** Prepares the runner's client in the worker; what is prepared and not started costs nothing. */
export function prepareClient({ address, container }: RunningAgent): Promise<string> {
  return prepareExec(address, {
    container,
    command: ['claude-secure-run'],
    workingDirectory: '/workspace',
  })
}
