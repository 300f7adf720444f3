import { readLines } from '../files/lines.ts'
import { RunnerEvent, type RunnerInput, type RunnerRequest } from './runner-protocol.ts'

/** A connection to the runner for one run. */
export type RunConnection = {
  /** Ends after `ended` or `refused`; ends without either when the connection is lost. Read once. */
  events: AsyncIterable<RunnerEvent>
  /** Answers a question of the run. */
  send: (input: RunnerInput) => void
  /** Asks the runner to cancel. Events continue until it confirms that the run is gone. */
  cancel: () => void
  /** Closes the connection without waiting; the runner cancels the run when it notices. */
  close: () => void
}

/** A transport to a runner: `docker exec` for the command line, HTTP inside the server stack. */
export type RunTransport = {
  /** Throws when the runner is unreachable. */
  open: (request: RunnerRequest) => Promise<RunConnection>
}

/** Maximum bytes of a line. The runner truncates Claude Code's output at half of this. */
const lineBytes = 16 * 1024 * 1024

/**
 * Parses the runner's events from its output. The runner shares a container with the agent, so each line
 * is validated: a line that is not an event becomes a notice and does not end the run.
 */
export async function* readRunnerEvents(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<RunnerEvent> {
  for await (const line of readLines(chunks, lineBytes)) {
    if (line === '') continue
    const event = line === null ? null : parseEvent(line)
    yield event ?? { kind: 'notice', text: 'the runner wrote a line that is not an event' }
  }
}

function parseEvent(line: string): RunnerEvent | null {
  try {
    return RunnerEvent.parse(JSON.parse(line))
  } catch {
    return null
  }
}
