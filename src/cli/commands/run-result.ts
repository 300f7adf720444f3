import { UserError } from '../../base/errors.ts'
import { until } from '../../base/until.ts'
import type { Invocation } from '../invocation.ts'
import { throwUnlessSucceeded } from '../run/failure-words.ts'
import type { OutputFormat } from '../run/formats.ts'
import { createOutput } from '../run/output.ts'
import { findRun, runsHere } from '../run/runs-here.ts'

const pollMilliseconds = 250

/** Prints the result of a run, any number of times; returns the run's exit status. */
export async function runResult(
  id: string | undefined,
  options: { outputFormat: OutputFormat; wait?: boolean },
  { signal, log }: Invocation,
): Promise<void> {
  const store = await runsHere()
  let run = await findRun(store, id)
  const ended = async () => {
    run = await findRun(store, run.runId)
    return run.endedAt !== null
  }
  if (options.wait) await until(ended, { every: pollMilliseconds, signal })
  const { runId } = run
  const result = (await store.read(runId))?.result ?? null
  if (result === null) {
    throw new UserError(`run ${runId} is still running`, {
      hint: `wait for it with --wait, or end it: ./claude.ts run cancel ${runId}`,
    })
  }
  const output = createOutput({ format: options.outputFormat, partial: false, signal })
  for await (const event of store.events(runId)) {
    if (event.kind === 'notice') log({ kind: 'warn', text: event.text })
    await output.event(event)
  }
  await output.event({ kind: 'ended', result })
  await output.result(result)
  throwUnlessSucceeded(result)
}
