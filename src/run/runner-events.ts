import { readLines } from '../files/lines.ts'
import { RunnerEvent } from './runner-protocol.ts'

/** The runner cuts what Claude Code writes at half of this. */
const lineBytes = 16 * 1024 * 1024

/**
 * What the runner says, from its bytes. It lives where the agent does, so each line is judged: one that
 * is no event becomes a notice and ends nothing.
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
