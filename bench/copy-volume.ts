import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { userEnvironment } from '../src/config/environment.ts'
import { createArchive } from '../src/engine/archive.ts'
import { findEngine } from '../src/engine/find-engine.ts'
import { readCopyChanges, stageContents } from '../src/stack/read-copy.ts'
import { stateFolder } from '../src/stack/state/state-folder.ts'
import { unpackCopy } from '../src/stack/workspace-copy.ts'
import { applySteps, makeApplyFolder } from '../src/workspace/copy/apply.ts'
import { renderBaseline } from '../src/workspace/copy/baseline.ts'
import type { Tree } from '../src/workspace/copy/entry.ts'
import { packWorkspace } from '../src/workspace/copy/pack.ts'
import { planApply } from '../src/workspace/copy/plan.ts'
import { baselinePath } from '../src/workspace/copy/record.ts'
import { noIgnoreRules } from '../src/workspace/ignore/rules.ts'
import { must } from '../tests/support/stack/process.ts'

type Options = {
  /** An image with `sleep` and `find`. */
  image: string
  /** The folder that is copied. */
  from: string
  /** Files that `apply` takes out of the copy. */
  changed: number
  /** A folder for the state and for the applied files. */
  place: string
}

const owner = { uid: 1000, gid: 1000 }

/** A busy disk takes minutes to remove 200,000 files. */
const patient = { timeout: 1_200_000 }

/**
 * Opens one volume for all samples. It is emptied between them: while the engine removes a volume with
 * many files, it answers nobody who asks for volumes.
 */
export async function openCopyVolume({ image, from, changed, place }: Options) {
  const environment = userEnvironment()
  const { found } = await findEngine(environment)
  if (!found) throw new Error('no container engine answers')
  const archive = createArchive(found.address)
  const docker = {
    kind: 'docker',
    file: 'docker',
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/' },
  } as const
  const volume = ['--network', 'none', '--pull', 'never', '--user', '0', '--volume', '/workspace']
  const sleep = ['--entrypoint', 'sleep', image, 'infinity']
  const run = ['run', '--detach', '--init', '--label', 'claude-secure.bench=copy', ...volume]
  const container = (await must('docker', [...run, ...sleep])).trim()
  const empty = () =>
    must('docker', ['exec', container, 'find', '/workspace', '-mindepth', '1', '-delete'], patient)
  const state = stateFolder('bench', place)
  const applied = join(place, 'applied')
  await mkdir(state.path, { recursive: true })

  const writeBaseline = (tree: Tree) => {
    const baseline = { taken: new Date(0).toISOString(), owner, tree, leftOut: [] }
    return writeFile(baselinePath(state), renderBaseline({ ...baseline, rules: noIgnoreRules }))
  }
  let taken: Tree = new Map()

  /** Returns the changes against `baseline`, as `diff` and `apply` read them. */
  const changesSince = async (baseline: Tree, expected: number) => {
    await writeBaseline(baseline)
    const read = await readCopyChanges({ archive, container, state }, { contents: true })
    if (read?.changes.length !== expected) {
      throw new Error(`${read?.changes.length} files changed instead of ${expected}`)
    }
    return read
  }

  return {
    /** Replaces what is in the volume. */
    async take() {
      const { tar, packed } = packWorkspace(from, owner)
      const [{ tree }] = await Promise.all([packed, unpackCopy({ docker, container }, tar)])
      taken = tree
    },
    async empty() {
      await empty()
    },
    async read() {
      await changesSince(taken, 0)
    },
    /** Applies `changed` new files of the copy to an empty folder. */
    async apply() {
      await mkdir(applied)
      const known = new Map([...taken].filter((_, index) => index >= changed))
      const { changes, ...copy } = await changesSince(known, changed)
      const { steps } = await planApply(applied, changes)
      const now = new Date()
      const { folder, token, staging } = await makeApplyFolder(state.path, now)
      const wanted = new Set(
        steps.flatMap(({ after }) => (after?.type === 'file' ? [after.sha256] : [])),
      )
      const staged = await stageContents(
        { archive, container, ...copy },
        copy.tree,
        wanted,
        staging,
      )
      const journal = { version: 1, applied: now.toISOString(), taken: '', token } as const
      const { done } = await applySteps(
        {
          root: applied,
          statePath: state.path,
          folder,
          journal: { ...journal, workspace: applied, steps },
          sourceOf: ({ after }) =>
            after?.type === 'file' && staged.has(after.sha256)
              ? join(staging, after.sha256)
              : undefined,
        },
        () => {},
      )
      if (done.length !== changed)
        throw new Error(`${done.length} of ${changed} files were applied`)
    },
    async removeApplied() {
      await rm(applied, { recursive: true, force: true })
      await rm(join(state.path, 'applies'), { recursive: true, force: true })
    },
    async close() {
      await empty()
      await must('docker', ['rm', '--force', '--volumes', container])
    },
  }
}
