import { UserError } from '../../base/errors.ts'
import { findRun, runsHere } from '../../operations/runs.ts'
import type { Invocation } from '../invocation.ts'
import { throwUnlessSucceeded } from '../run/failure-messages.ts'
import type { OutputFormat } from '../run/options.ts'
import { createOutput } from '../run/output.ts'

/** Prints the result of a run, any number of times; returns the run's exit status. */
export async function runResult(
  id: string | undefined,
  options: { outputFormat: OutputFormat; wait?: boolean },
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
      hint: `wait for it with --wait, or run ./claude.ts run cancel ${runId}`,
    })
  }
  const output = createOutput({ format: options.outputFormat, partial: false, signal })
  for await (const event of runs.log(runId)) {
    if (event.kind === 'notice') log({ kind: 'warn', text: event.text })
    await output.event(event)
  }
  await output.event({ kind: 'ended', result })
  await output.result(result)
  throwUnlessSucceeded(result)
}
