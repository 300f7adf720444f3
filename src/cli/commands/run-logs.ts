import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import { findRun, runsHere } from '../../operations/runs.ts'
import type { RunEventBody } from '../../run/event.ts'
import { describeFailure } from '../../run/failure.ts'
import { turnOf } from '../../run/turns.ts'
import type { Invocation } from '../invocation.ts'
import { describeToolUse } from '../run/figures.ts'

/**
 * Prints the steps of a run; with `follow` also new ones, whichever process watches the run. The exit
 * status does not reflect the run's.
 */
export async function runLogs(
  id: string | undefined,
  options: { json?: boolean; follow?: boolean },
  { signal }: Pick<Invocation, 'signal'>,
): Promise<void> {
  const runs = await runsHere()
  const { runId } = await findRun(runs, id)
  for await (const event of runs.log(runId, options.follow ? { follow: signal } : undefined)) {
    for (const line of options.json ? [JSON.stringify(event)] : renderEvent(event)) {
      console.log(options.json && !process.stdout.isTTY ? line : terminalText(line))
    }
  }
  const result = options.json ? null : await runs.result(runId)
  if (result) {
    console.log(
      terminalLine(`${result.status}${result.error ? `: ${describeFailure(result.error)}` : ''}`),
    )
  }
}

/** Renders texts in full, and each tool and each result on one line. */
export function renderEvent(event: RunEventBody): string[] {
  switch (event.kind) {
    case 'started':
      return [`started ${event.startedAt}, session ${event.sessionId}`]
    case 'notice':
      return [`notice: ${event.text}`]
    case 'question':
      return event.questions.map(({ question }) => terminalLine(`? ${question}`))
    case 'question-closed':
      return [
        event.outcome === 'answered'
          ? 'the question was answered'
          : 'the question was not answered',
      ]
    case 'ended':
      return []
    case 'claude':
      return (turnOf(event.message)?.content ?? []).map(content => {
        switch (content.type) {
          case 'text':
            return content.text
          case 'tool_use':
            return terminalLine(
              `> ${describeToolUse({ name: content.name, input: fields(content.input) })}`,
            )
          case 'tool_result':
            return terminalLine(`${content.isError ? '! ' : '< '}${content.content}`)
          default:
            return content satisfies never
        }
      })
    default:
      return event satisfies never
  }
}

function fields(input: unknown): Record<string, unknown> {
  return typeof input === 'object' && input !== null ? { ...input } : {}
}
