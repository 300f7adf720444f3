/** A real SIGKILL between two files of an apply. The same file is the program that is killed. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applySteps, makeApplyFolder } from '../../../../src/workspace/copy/apply.ts'
import type { Change } from '../../../../src/workspace/copy/changes.ts'
import type { Entry } from '../../../../src/workspace/copy/entry.ts'
import { lastApply } from '../../../../src/workspace/copy/journal.ts'
import { planApply } from '../../../../src/workspace/copy/plan.ts'
import { planUndo, undoSteps } from '../../../../src/workspace/copy/undo.ts'
import { childProgram } from '../../../support/child-program.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'

const count = 40
const entry = (content: string): Entry => ({
  type: 'file',
  sha256: createHash('sha256').update(content).digest('hex'),
  executable: false,
  size: content.length,
})
const changes = Array.from({ length: count }, (_, at): Change => {
  const path = `folder ${at % 5}/file ${at}`
  if (at % 3 === 0) return { path, kind: 'added', after: entry('new') }
  if (at % 3 === 1) return { path, kind: 'deleted', before: entry('old') }
  return { path, kind: 'modified', before: entry('old'), after: entry('new') }
})

const place = process.env.KILLED_APPLY
if (place) {
  let left = Number(process.env.KILLED_AFTER)
  await applyAll(place, () => {
    left--
    if (left === 0) process.kill(process.pid, 'SIGKILL')
  })
} else await test()

async function applyAll(at: string, onDone: () => void) {
  const [root, statePath] = [join(at, 'root'), join(at, 'state')]
  const { steps } = await planApply(root, changes)
  const { folder, token, staging } = await makeApplyFolder(statePath, new Date())
  const source = join(staging, 'new')
  await writeFile(source, 'new')
  const journal = {
    version: 1 as const,
    applied: new Date().toISOString(),
    taken: '',
    workspace: root,
    token,
    steps,
  }
  await applySteps({ root, statePath, folder, journal, sourceOf: () => source }, onDone)
}

async function test() {
  // The program that is killed starts sooner without it.
  const { default: t } = await import('tap')
  t.test('an apply that is killed leaves a way back, and a way on', async t => {
    const program = await childProgram(t, `import ${JSON.stringify(import.meta.filename)}`)
    const killedAfter = async (after: number) => {
      const at = await mkdtemp(join(memoryFolder(), 'claude-secure-killed-'))
      t.teardown(() => rm(at, { recursive: true, force: true }))
      const root = join(at, 'root')
      for (const { path, before } of changes) {
        await mkdir(join(root, path, '..'), { recursive: true })
        if (before) await writeFile(join(root, path), 'old')
      }
      const before = await contents(root)
      t.equal(await killAfter(program, at, after), 'SIGKILL')
      t.notSame(await contents(root), before, `${after}: it had begun`)
      if (after === 13) {
        await applyAll(at, () => {})
        t.equal((await contents(root)).filter(line => line.endsWith(' old')).length, 0)
        await undo(at)
      }
      await undo(at)
      t.same(await contents(root), before, `${after}: all is as it was, and nothing is left over`)
    }
    await Promise.all([1, 13, 25, 39].map(killedAfter))
  })
}

async function undo(at: string) {
  const statePath = join(at, 'state')
  const kept = await lastApply(statePath)
  if (!kept) throw new Error('there is nothing to undo')
  const { steps } = await planUndo(kept)
  await undoSteps(kept, statePath, steps, () => {})
}

async function contents(root: string) {
  const names = (await readdir(root, { recursive: true })).sort()
  return Promise.all(
    names.map(async name => `${name} ${await readFile(join(root, name), 'utf8').catch(() => '')}`),
  )
}

/** Resolves with the signal by which it ended. */
function killAfter(program: string, at: string, files: number) {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, KILLED_APPLY: at, KILLED_AFTER: String(files) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return new Promise(resolve => child.once('close', (_, signal) => resolve(signal)))
}
