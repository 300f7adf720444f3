import { UserError } from '../../base/errors.ts'
import { findRun, runsHere } from '../../operations/runs.ts'
import type { Runs } from '../../run/runs.ts'
import type { Invocation } from '../invocation.ts'
import { refusalError } from '../run/failure-messages.ts'

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
      hint: 'run ./claude.ts run list for the ids; --all cancels every active run',
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
  if (await runs.ended(runId, { timeout: patience, signal })) return
  throw new UserError(`run ${runId} did not end within ${patience / 1000} s`, {
    hint: 'run ./claude.ts stop to end the worker and all its processes',
  })
}
