import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { createRuns, type Runs } from '../run/runs.ts'
import { createFileStore } from '../run/store/file-store.ts'
import type { RunStore, RunSummary } from '../run/store/store.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { currentStackName } from './find-stacks.ts'

/** Returns the store of a stack's runs. */
export function runStoreOf(stack: string): RunStore {
  return createFileStore(join(stateFolder(stack).path, 'runs'))
}

/** Returns the runs of a stack, whichever process watches them. */
export function runsOf(stack: string): Runs {
  return createRuns(runStoreOf(stack))
}

/** Returns the runs of the current folder. */
export async function runsHere(): Promise<Runs> {
  return runsOf(await currentStackName())
}

/** Returns the run with this id, or the newest one; throws when there is none. */
export async function findRun(
  runs: Pick<Runs, 'find' | 'list'>,
  id: string | undefined,
): Promise<RunSummary> {
  if (id === undefined) {
    const [newest] = (await runs.list({ limit: 1 })).runs
    if (newest) return newest
    throw new UserError('there are no stored runs of this folder', {
      hint: `run ${command('run "…"')} to start one`,
    })
  }
  const known = await runs.find(id)
  if (known) return known
  throw new UserError(`there is no run ${terminalLine(id, 40)} of this folder`, {
    hint: `run ${command('run list')} to list the stored runs`,
    exitCode: 2,
  })
}

/** Returns the runs of a stack that wait for an answer. */
export async function waitingRuns(runs: Pick<Runs, 'list'>): Promise<RunSummary[]> {
  return (await runs.list()).runs.filter(({ state }) => state === 'waiting')
}
