import { createColors } from 'picocolors'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { runsHere } from '../../operations/runs.ts'
import { describeFailure } from '../../run/failure.ts'
import type { RunSummary } from '../../run/store/store.ts'
import { renderColumns } from '../render/columns.ts'
import { hasColours } from '../terminal.ts'

/** Prints the stored runs of this folder, newest first. */
export async function runList(options: { json?: boolean }): Promise<void> {
  const { runs } = await (await runsHere()).list()
  if (options.json) {
    console.log(terminalJson(runs.map(listed)))
    return
  }
  if (runs.length > 0) console.log(renderRuns(runs, hasColours(process.stdout)))
  else console.error('there are no stored runs of this folder; ./claude.ts run "…" starts one')
}

function listed({ requestDigest, idempotencyKey, owner, state, error, ...run }: RunSummary) {
  return { ...run, status: state, error: error && describeFailure(error) }
}

export function renderRuns(runs: readonly RunSummary[], colour: boolean): string {
  const rows = runs.map(({ runId, state, startedAt, costUsd, prompt }) => [
    { text: runId },
    { text: state },
    { text: startedAt.slice(0, 19).replace('T', ' ') },
    { text: costUsd === null ? '-' : `$${costUsd.toFixed(4)}` },
    { text: terminalLine(prompt, 60) },
  ])
  const { dim } = createColors(colour)
  return renderColumns(['ID', 'STATUS', 'STARTED (UTC)', 'COST', 'PROMPT'], rows, dim)
}
