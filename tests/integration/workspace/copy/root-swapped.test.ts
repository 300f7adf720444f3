/** The owner of a folder exchanges it for a link while root applies, undoes, copies or cleans up in it (H7). */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { chown, lstat, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { UserError } from '../../../../src/base/errors.ts'
import { applySteps, makeApplyFolder } from '../../../../src/workspace/copy/apply.ts'
import type { Entry } from '../../../../src/workspace/copy/entry.ts'
import { lastApply, type Step } from '../../../../src/workspace/copy/journal.ts'
import { packWorkspace } from '../../../../src/workspace/copy/pack.ts'
import { planApply } from '../../../../src/workspace/copy/plan.ts'
import { planUndo, undoSteps } from '../../../../src/workspace/copy/undo.ts'
import { scanHostFiles } from '../../../../src/workspace/host-files/scan.ts'
import { withdraw } from '../../../../src/workspace/overlay/withdraw.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'
import { repetitions } from '../../../support/soak.ts'

const files = 40
const sha256 = '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae'
const entry: Entry = { type: 'file', sha256, executable: false, size: 3 }

/** `swapped`: a folder above the workspace is exchanged instead of the workspace itself. */
async function place(t: Test, swapped: 'itself' | 'above') {
  const top = await mkdtemp(join(memoryFolder(), 'claude-secure-swap-'))
  t.teardown(() => rm(top, { recursive: true, force: true }))
  const outside = join(top, 'outside')
  const home = join(top, 'home')
  const root = join(home, 'project')
  for (const folder of [home, root, join(root, 'sub'), outside]) mkdirSync(folder)
  for (const folder of [outside, join(outside, 'project')]) {
    mkdirSync(join(folder, 'sub'), { recursive: true })
    writeFileSync(join(folder, 'Makefile'), 'OUTSIDE')
    writeFileSync(join(folder, '.mcp.json'), 'OUTSIDE')
  }
  writeFileSync(join(root, 'Makefile'), 'inside')
  const worker = new Worker(
    `const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
    const { real, kept, outside } = require('node:worker_threads').workerData
    const pause = new Int32Array(new SharedArrayBuffer(4))
    for (;;) {
      // A moment in which an operation can begin.
      Atomics.wait(pause, 0, 0, 1)
      renameSync(real, kept)
      symlinkSync(outside, real)
      unlinkSync(real)
      renameSync(kept, real)
    }`,
    {
      eval: true,
      workerData: { real: swapped === 'above' ? home : root, kept: join(top, 'kept'), outside },
    },
  )
  t.teardown(() => worker.terminate())
  const before = listing(outside)
  return { root, statePath: join(top, 'state'), outsideIs: () => t.same(listing(outside), before) }
}

function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .sort()
    .map(name => {
      const status = lstatSync(join(folder, name))
      const text = status.isFile() ? readFileSync(join(folder, name), 'utf8') : ''
      return `${name} ${status.mode} ${status.uid} ${text}`
    })
}

/** Returns the result, or null where the folder was a link at that moment. */
async function unlessSwapped<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (error instanceof UserError || ['ENOENT', 'ENOTDIR'].includes(code)) return null
    throw error
  }
}

/** On a busy machine, goes on until an operation has met the folder in its place, which proves the others. */
function* turns(counts: { short: number; full: number }, isProven: () => boolean) {
  const least = repetitions(counts)
  for (let turn = 0; turn < least || (turn < 20 * least && !isProven()); turn++) yield turn
}

for (const swapped of ['itself', 'above'] as const) {
  t.test(`apply and undo write nothing outside when a link replaces it (${swapped})`, async t => {
    const { root, statePath, outsideIs } = await place(t, swapped)
    let [applied, undone, refused] = [0, 0, 0]
    for (const _ of turns({ short: 5, full: 300 }, () => applied > 0 && undone > 0)) {
      const plan = await unlessSwapped(() =>
        planApply(
          root,
          Array.from({ length: files }, (_, index) => ({
            path: `${index % 2 ? 'sub/' : 'new/'}${index}`,
            kind: 'added' as const,
            after: entry,
          })),
        ),
      )
      if (!plan) refused++
      else {
        const { folder, token, staging } = await makeApplyFolder(statePath, new Date())
        writeFileSync(join(staging, sha256), 'foo')
        const now = '2026-01-01T00:00:00.000Z'
        const journal = {
          version: 1 as const,
          applied: now,
          taken: now,
          workspace: root,
          token,
          steps: plan.steps,
        }
        const sourceOf = (_: Step) => join(staging, sha256)
        const outcome = await unlessSwapped(() =>
          applySteps({ root, statePath, folder, journal, sourceOf }, () => {}),
        )
        applied += outcome?.done.length ?? 0
      }
      const kept = await lastApply(statePath)
      const undo = kept && (await unlessSwapped(() => planUndo(kept)))
      const outcome =
        kept &&
        undo &&
        (await unlessSwapped(() => undoSteps(kept, statePath, undo.steps, () => {})))
      undone += outcome?.done.length ?? 0
    }
    outsideIs()
    t.ok(applied > 0 && undone > 0, `${applied} applied, ${undone} undone, ${refused} refused`)
  })

  t.test(`a copy, the scan and the move of files read nothing outside (${swapped})`, async t => {
    const { root, statePath, outsideIs } = await place(t, swapped)
    let inside = 0
    for (const _ of turns({ short: 40, full: 3_000 }, () => inside > 0)) {
      const packed = await unlessSwapped(async () => {
        const { tar, packed } = packWorkspace(root, { uid: 1, gid: 1 })
        tar.on('error', () => {}).resume()
        return packed
      })
      const found = packed?.tree.get('Makefile')
      if (found?.type === 'file') {
        inside++
        if (found.size !== 6) t.fail('a file outside was copied')
      }
      const scanned = await unlessSwapped(() => scanHostFiles(root))
      const seen = String(scanned?.files.get('Makefile') ?? '6').split(' ')[0]
      if (seen === '7') t.fail('a file outside was read')
      const moved = await withdraw(root, ['.mcp.json'], join(statePath, 'withdrawn'))
      t.same(moved, [])
    }
    outsideIs()
    t.ok(inside > 0, `${inside} copies`)
  })
}

const skip = process.getuid?.() === 0 ? false : 'only root changes owners'
t.test('root gives a new folder and a new link away by descriptor', { skip }, async t => {
  const root = await mkdtemp(join(memoryFolder(), 'claude-secure-owner-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  await chown(root, 4242, 4242)
  const link: Entry = { type: 'link', target: 'a' }
  const plan = await planApply(root, [{ path: 'new/link', kind: 'added', after: link }])
  const statePath = join(root, '../', `${root.split('/').at(-1)}-state`)
  t.teardown(() => rm(statePath, { recursive: true, force: true }))
  const { folder, token } = await makeApplyFolder(statePath, new Date())
  const now = '2026-01-01T00:00:00.000Z'
  const journal = {
    version: 1 as const,
    applied: now,
    taken: now,
    workspace: root,
    token,
    steps: plan.steps,
  }
  await applySteps({ root, statePath, folder, journal, sourceOf: () => undefined }, () => {})
  for (const path of ['new', 'new/link']) t.equal((await lstat(join(root, path))).uid, 4242, path)
})

t.test('a folder that became a link is refused in words', async t => {
  const folder = t.testdir({ real: {}, outside: {} })
  const root = join(folder, 'real')
  await rename(root, join(folder, 'kept'))
  await symlink('outside', root)
  const change = { path: 'a', kind: 'added', after: entry } as const
  await t.rejects(planApply(root, [change]), {
    message: /was replaced by a symlink/,
    hint: /put the folder back/,
  })
})
