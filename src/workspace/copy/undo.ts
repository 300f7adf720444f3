import { mkdir, open, rm } from 'node:fs/promises'
import { systemCode, UserError } from '../../base/errors.ts'
import { asFolder, openParentFolder, withHeldFolder } from '../../files/beneath.ts'
import { sweepTemporary } from './apply.ts'
import { sameEntry } from './entry.ts'
import { type HostFolder, readHostState } from './host-state.ts'
import { type KeptApply, type Step, savedFile, temporaryName } from './journal.ts'
import { refusal } from './plan.ts'
import { putEntry, removeEntry } from './put.ts'

export type UndoPlan = {
  /** Files that did not change since the apply. */
  steps: Step[]
  /** Files that changed since the apply. */
  conflicts: Step[]
}

/** Plans which steps of an apply can be undone. A step that was never carried out is in neither list. */
export async function planUndo({ journal }: KeptApply): Promise<UndoPlan> {
  const plan: UndoPlan = { steps: [], conflicts: [] }
  await withHeldFolder(journal.workspace, async root => {
    for (const step of journal.steps) {
      // A parent folder that was replaced cannot contain the file.
      const now = await readHostState(root, step.path).catch(error => {
        if (error instanceof UserError) return null
        throw error
      })
      if (sameEntry(now?.entry, step.before?.entry)) continue
      if (sameEntry(now?.entry, step.after ?? undefined)) plan.steps.push(step)
      else plan.conflicts.push(step)
    }
  })
  return plan
}

/** Restores the previous files. Removes the apply unless a step was refused. */
export async function undoSteps(
  kept: KeptApply,
  statePath: string,
  steps: readonly Step[],
  onDone: (step: Step) => void,
): Promise<{ done: Step[]; refused: { step: Step; error: UserError }[] }> {
  const { folder, journal } = kept
  const done: Step[] = []
  const refused: { step: Step; error: UserError }[] = []
  // Created files go first: where a folder became a file, the folder comes back.
  const inOrder = [...steps].sort((a, b) => Number(a.before !== null) - Number(b.before !== null))
  await withHeldFolder(journal.workspace, async root => {
    await sweepTemporary(root, statePath, journal.workspace)
    for (const step of inOrder) {
      try {
        const index = journal.steps.indexOf(step)
        await putBack(root, step, savedFile(folder, step), temporaryName(journal, index))
        done.push(step)
        onDone(step)
      } catch (error) {
        refused.push({ step, error: refusal(step.path, error) })
      }
    }
  })
  if (refused.length === 0) await rm(folder, { recursive: true, force: true })
  return { done, refused }
}

async function putBack(root: string, step: Step, source: string | undefined, temporary: string) {
  const { path, before } = step
  if (before === null) {
    return removeEntry(root, path, step.makes)
  }
  for (const folder of step.removes) await makeAgain(root, folder)
  const { entry, mode, uid, gid } = before
  await putEntry(
    root,
    path,
    { entry, ...(source !== undefined && { source }), mode, owner: { uid, gid } },
    temporary,
  )
}

async function makeAgain(root: string, { path, mode, uid, gid }: HostFolder) {
  const place = await openParentFolder(root, path)
  if (!place) return
  const at = place.folder.at(place.name)
  try {
    await mkdir(at, mode)
    const folder = await open(at, asFolder)
    try {
      if (process.getuid?.() === 0) await folder.chown(uid, gid)
      await folder.chmod(mode)
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  } finally {
    await place.folder.close()
  }
}
