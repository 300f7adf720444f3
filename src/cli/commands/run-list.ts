import type { StoredRun } from '../../run/store.ts'
import { terminalLine } from '../../terminal-text.ts'
import { runsHere } from '../run/runs-here.ts'

/** Shows the runs of this folder that are kept, newest first. */
export async function runList(options: { json?: boolean }): Promise<void> {
  const runs = await (await runsHere()).list()
  if (options.json) {
    console.log(JSON.stringify(runs.map(summary), null, 2))
    return
  }
  for (const run of runs) console.log(renderRun(run))
}

function summary({ result, ...record }: StoredRun) {
  return {
    ...record,
    status: result?.status ?? 'running',
    endedAt: result?.endedAt ?? null,
    sessionId: result?.sessionId ?? null,
    costUsd: result?.costUsd ?? null,
    error: result?.error?.message ?? null,
  }
}

export function renderRun(run: StoredRun): string {
  const { runId, status, startedAt, costUsd, prompt } = summary(run)
  const cost = costUsd === null ? '' : `$${costUsd.toFixed(4)}`
  const columns = [runId, status.padEnd(11), startedAt.slice(0, 19), cost.padStart(8)]
  return `${columns.join('  ')}  ${terminalLine(prompt, 60)}`
}
