import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { currentStackName } from '../../operations/find-stacks.ts'
import { RunId } from '../../run/request.ts'
import { createFileStore } from '../../run/store/file-store.ts'
import type { RunStore, RunSummary } from '../../run/store/store.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'

/** Returns the store of a stack's runs. */
export function runsOf(stack: string): RunStore {
  return createFileStore(join(stateFolder(stack).path, 'runs'))
}

/** Returns the store of the current folder's runs. */
export async function runsHere(): Promise<RunStore> {
  return runsOf(await currentStackName())
}

/** Returns the run with this id, or the newest one; throws when there is none. */
export async function findRun(store: RunStore, id: string | undefined): Promise<RunSummary> {
  if (id === undefined) {
    const [newest] = (await store.list({ limit: 1 })).runs
    if (newest) return newest
    throw new UserError('there is no run of this folder yet', {
      hint: './claude.ts run "…" is the first',
    })
  }
  const known = RunId.safeParse(id).success ? await store.summary(id) : null
  if (known) return known
  throw new UserError(`there is no run ${terminalLine(id, 40)} of this folder`, {
    hint: './claude.ts run list shows the runs that are kept',
    exitCode: 2,
  })
}
