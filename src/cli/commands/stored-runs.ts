import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine, terminalText } from '../../base/terminal-text.ts'
import { findRun, runsHere } from '../../operations/runs.ts'
import type { JsonKeys } from '../../run/camel-keys.ts'
import { describeFailure } from '../../run/failure.ts'
import type { RunEventBody } from '../../run/result.ts'
import type { Runs } from '../../run/runs.ts'
import type { RunSummary } from '../../run/store/store.ts'
import { turnOf } from '../../run/turns.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderColumns } from '../render/columns.ts'
import { refusalError, throwUnlessSucceeded } from '../run/failure-messages.ts'
import { createOutput, jsonKeysOf } from '../run/output.ts'
import type { OutputFormat } from '../run/output-format.ts'
import { describeToolUse } from '../run/progress.ts'
import { hasColours, widthOf } from '../terminal.ts'

/** Prints the stored runs of this folder, newest first. */
export async function runList(options: { json?: boolean }): Promise<void> {
  const { runs } = await (await runsHere()).list()
  if (options.json) {
    console.log(terminalJson(runs.map(listed)))
    return
  }
  if (runs.length > 0)
    console.log(renderRuns(runs, hasColours(process.stdout), widthOf(process.stdout)))
  else console.error(`there are no stored runs of this folder; ${calledAs()} run "…" starts one`)
}

function listed({ requestDigest, idempotencyKey, owner, state, error, ...run }: RunSummary) {
  return { ...run, status: state, error: error && describeFailure(error) }
}

export function renderRuns(runs: readonly RunSummary[], colour: boolean, width?: number): string {
  const rows = runs.map(({ runId, state, startedAt, costUsd, prompt }) => [
    { text: runId },
    { text: state },
    { text: startedAt.slice(0, 19).replace('T', ' ') },
    { text: costUsd === null ? '-' : `$${costUsd.toFixed(4)}` },
    { text: terminalLine(prompt, 60) },
  ])
  const { dim } = createColors(colour)
  return renderColumns(['ID', 'STATUS', 'STARTED (UTC)', 'COST', 'PROMPT'], rows, dim, width)
}

/** Prints the result of a run, any number of times. Exits with the run's status, or 3 while it is active. */
export async function runResult(
  id: string | undefined,
  options: { outputFormat: OutputFormat; keys?: JsonKeys; wait?: boolean },
  { signal, log }: Invocation,
): Promise<void> {
  const runs = await runsHere()
  const { runId } = await findRun(runs, id)
  if (options.wait) await runs.ended(runId, { signal })
  const result = await runs.result(runId)
  if (result === null) {
    // Throws when the run was removed in the meantime.
    await findRun(runs, runId)
    throw new UserError(`run ${runId} has not ended`, {
      hint: `wait for it with --wait, or run ${calledAs()} run cancel ${runId}`,
      exitCode: 3,
    })
  }
  const { outputFormat: format } = options
  const keys = await jsonKeysOf(options.keys, format)
  const output = createOutput({ format, partial: false, keys, signal })
  for await (const event of runs.log(runId)) {
    if (event.kind === 'notice') log({ kind: 'warn', text: event.text })
    await output.event(event)
  }
  await output.event({ kind: 'ended', result })
  await output.result(result)
  throwUnlessSucceeded(result)
}

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

/** Milliseconds; longer than a watcher waits for the runner. */
const patience = 30_000

/** Cancels runs of this folder, and waits until all their processes are gone. */
export async function runCancel(
  id: string | undefined,
  options: { all?: boolean },
  { signal, log }: Invocation,
): Promise<void> {
  if ((id === undefined) === !options.all) {
    throw new UserError(options.all ? 'an id and --all were given' : 'no run id was given', {
      hint: `run ${calledAs()} run list for the ids; --all cancels every active run`,
      exitCode: 2,
    })
  }
  const runs = await runsHere()
  const found = id === undefined ? (await runs.list()).runs : [await findRun(runs, id)]
  const running = found.filter(({ endedAt }) => endedAt === null)
  if (running.length === 0) {
    const [only] = id === undefined ? [] : found
    const text = only ? `run ${only.runId} has ended: ${only.state}` : 'no run is active here'
    return log({ kind: 'info', text })
  }
  await Promise.all(
    running.map(async ({ runId }) => {
      await cancelOne(runs, runId, signal)
      log({ kind: 'info', text: `cancelled run ${runId}; all its processes are gone` })
    }),
  )
}

async function cancelOne(runs: Runs, runId: string, signal: AbortSignal) {
  await runs.cancel(runId).catch(error => {
    throw refusalError(error)
  })
  if (await runs.ended(runId, { timeout: patience, signal })) {
    const result = await runs.result(runId)
    if (result?.error?.code === 'cancel-unconfirmed') throwUnlessSucceeded(result)
    return
  }
  throw new UserError(`run ${runId} did not end within ${patience / 1000} s`, {
    hint: `run ${calledAs()} stop to end the worker and all its processes`,
  })
}
