import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { settleConcurrently } from '../../base/async.ts'
import type { UserError } from '../../base/errors.ts'
import { notApplied, openParentFolder, withHeldFolder } from '../../files/beneath.ts'
import { sameEntry } from './entry.ts'
import { readHostState } from './host-state.ts'
import {
  appliesFolder,
  type Journal,
  lastApply,
  pruneApplies,
  type Step,
  temporaryName,
  writeJournal,
} from './journal.ts'
import { modeFor, refusal } from './plan.ts'
import { putEntry, removeEntry } from './put.ts'

export type ApplyOutcome = { done: Step[]; refused: { step: Step; error: UserError }[] }

type ApplyPlace = {
  root: string
  statePath: string
  folder: string
  journal: Journal
  sourceOf: (step: Step) => string | undefined
}

/** Creates the folder of one apply: its staged content, and later its journal. */
export async function makeApplyFolder(statePath: string, now: Date) {
  const token = randomBytes(6).toString('hex')
  const folder = join(
    appliesFolder(statePath),
    `${now.toISOString().replaceAll(':', '-')}-${token}`,
  )
  await mkdir(join(folder, 'new'), { recursive: true, mode: 0o700 })
  return { folder, token, staging: join(folder, 'new') }
}

/**
 * Applies the steps, deletions first: a file may have become a folder. Keeps the old content before
 * it writes anything. `sourceOf` returns the file with the new content of a step, if it exists.
 */
export async function applySteps(
  options: ApplyPlace,
  onDone: (step: Step) => void,
): Promise<ApplyOutcome> {
  const { root, statePath, folder, journal } = options
  const outcome = await withHeldFolder(root, async held => {
    await sweepTemporary(held, statePath, journal.workspace)
    try {
      await writeJournal(folder, journal, path => heldPath(held, path))
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
    return carryOutAll(held, options, onDone)
  })
  await rm(join(folder, 'new'), { recursive: true, force: true })
  if (outcome.done.length === 0) await rm(folder, { recursive: true, force: true })
  await pruneApplies(statePath)
  return outcome
}

async function carryOutAll(
  root: string,
  { journal, sourceOf }: Pick<ApplyPlace, 'journal' | 'sourceOf'>,
  onDone: (step: Step) => void,
): Promise<ApplyOutcome> {
  const outcome: ApplyOutcome = { done: [], refused: [] }
  const numbered = journal.steps.map((step, index) => ({ step, index }))
  const carryOutSteps = async (steps: typeof numbered, atOnce: number) => {
    const synced = createFolderSync(root)
    const results = await settleConcurrently(steps, atOnce, ({ step, index }) =>
      carryOut(root, step, sourceOf(step), temporaryName(journal, index)),
    )
    for (const [at, { step }] of steps.entries()) {
      try {
        const result = results[at]
        if (result?.status === 'rejected') throw result.reason
        await synced(step)
        outcome.done.push(step)
        onDone(step)
      } catch (error) {
        outcome.refused.push({ step, error: refusal(step.path, error) })
      }
    }
  }
  // One after the other: the last of a folder's deletions removes the folder.
  for (const one of numbered.filter(({ step }) => step.after === null)) {
    await carryOutSteps([one], 1)
  }
  const writes = numbered.filter(({ step }) => step.after !== null)
  for (let first = 0; first < writes.length; first += batch) {
    const slice = writes.slice(first, first + batch)
    await makeFolders(root, slice)
    await carryOutSteps(slice, writesAtOnce)
  }
  return outcome
}

/** Files that wait for the disk side by side, and files until their folders are synced. */
const writesAtOnce = 16
const batch = 256

/** Syncs the folder of each written file once, so that its new names survive a power failure. */
function createFolderSync(root: string) {
  const folders = new Map<string, Promise<void>>()
  const sync = async (path: string) => {
    const place = await openParentFolder(root, path)
    await place?.folder.file.sync().finally(place.folder.close)
  }
  return async ({ path, after }: Step) => {
    if (after === null) return
    const folder = dirname(path)
    const syncing = folders.get(folder) ?? sync(path)
    folders.set(folder, syncing)
    await syncing
  }
}

/** Makes the folders of new files, one after the other: a folder gets its owner after it was made. */
async function makeFolders(root: string, writes: readonly { step: Step }[]) {
  const first = new Map(
    writes.flatMap(({ step }) => step.makes.slice(-1).map(folder => [folder, step.path])),
  )
  for (const path of first.values()) {
    // The step itself fails for the same reason, and says so.
    const place = await openParentFolder(root, path, { make: true }).catch(() => null)
    await place?.folder.close()
  }
}

async function carryOut(root: string, step: Step, source: string | undefined, temporary: string) {
  const { path, before, after } = step
  const now = await readHostState(root, path)
  if (!sameEntry(now?.entry, before?.entry))
    throw notApplied(path, 'it changed on the host a moment ago')
  if (after === null) {
    const folders = step.removes.map(folder => folder.path)
    return removeEntry(root, path, folders)
  }
  if (after.type === 'file' && source === undefined) {
    throw notApplied(path, 'it changed in the copy meanwhile or is too large')
  }
  await putEntry(
    root,
    path,
    {
      entry: after,
      ...(source !== undefined && { source }),
      mode: modeFor(after, before),
      ...(before?.entry.type === 'file' && { owner: before }),
      durable: 'content',
    },
    temporary,
  )
}

async function heldPath(root: string, path: string) {
  const place = await openParentFolder(root, path)
  return place && { at: place.folder.at(place.name), close: place.folder.close }
}

/** Removes the unfinished files of a killed apply. */
export async function sweepTemporary(root: string, statePath: string, workspace: string) {
  const last = await lastApply(statePath).catch(() => null)
  if (!last || last.journal.workspace !== workspace) return
  for (const [index, { path }] of last.journal.steps.entries()) {
    const place = await openParentFolder(root, path).catch(() => null)
    if (!place) continue
    await rm(place.folder.at(temporaryName(last.journal, index)), { force: true })
    await place.folder.close()
  }
}
