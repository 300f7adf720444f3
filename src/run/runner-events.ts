import { readLines } from '../files/lines.ts'
import { RunnerEvent } from './runner-protocol.ts'

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
    yield event ?? { kind: 'notice', text: 'the runner wrote a line that is no event' }
  }
}

function parseEvent(line: string): RunnerEvent | null {
  try {
    return RunnerEvent.parse(JSON.parse(line))
  } catch {
    return null
  }
}
