import { terminalLine } from '../../base/terminal-text.ts'
import { type ExecStream, startExecStream } from '../../engine/exec-stream.ts'
import { type RunConnection, type RunTransport, readRunnerEvents } from '../../run/transport.ts'
import type { RunningAgent } from '../../stack/inspect.ts'
import { prepareClient } from './early-client.ts'

/** Creates the transport to the runner through `docker exec`: the runner cancels when our end closes. */
export function createExecTransport(
  worker: RunningAgent,
  started: ExecStream | null = null,
): RunTransport {
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
  const words = exec.stderr().trim().split('\n').at(-1)
  throw new Error(
    `the worker ended it with status ${status}${words ? ` (${terminalLine(words)})` : ''}`,
  )
}
