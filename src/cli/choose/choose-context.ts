import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { applyPatch } from 'diff'
import { readHostContent, textLimit } from '../../workspace/copy/host-state.ts'
import type { Step } from '../../workspace/copy/journal.ts'
import { compareTexts, renderPatch } from '../../workspace/copy/render-patch.ts'
import { colourPatch } from '../render/changes.ts'
import type { ChooseContext } from './choose-steps.ts'

/** Creates a context that asks at the terminal, and reads the host and `staging`. */
export function createChooseContext(options: {
  root: string
  staging: string
  signal: AbortSignal
}): ChooseContext & { close: () => void } {
  const { root, staging, signal } = options
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  // Otherwise Ctrl-C would end only the questions, and the files chosen so far would be applied.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  let ended = false
  const over = new Promise<null>(resolve => {
    terminal.once('close', () => {
      ended = true
      resolve(null)
    })
  })
  const before = (step: Step) => readHostContent(root, step.path)
  const after = async ({ after }: Step) => {
    if (after?.type === 'link') return Buffer.from(after.target)
    if (after?.type !== 'file' || after.size > textLimit) return null
    return readFile(join(staging, after.sha256)).catch(() => null)
  }
  return {
    close: () => terminal.close(),
    ask: question =>
      ended ? Promise.resolve(null) : Promise.race([terminal.question(question, { signal }), over]),
    show: text => void process.stdout.write(colourPatch(text)),
    async patchOf(step) {
      const kind = step.after === null ? 'deleted' : step.before === null ? 'added' : 'modified'
      const change = {
        path: step.path,
        kind,
        ...(step.before && { before: step.before.entry }),
        ...(step.after && { after: step.after }),
      } as const
      return renderPatch(change, await before(step), await after(step))
    },
    async hunksOf(step) {
      if (step.before?.entry.type !== 'file' || step.after?.type !== 'file') return null
      const [old, next] = await Promise.all([before(step), after(step)])
      if (!old || !next || !isExactText(old) || !isExactText(next)) return null
      const hunks = compareTexts(old, next)
      return hunks && hunks.length > 1 ? hunks : null
    },
    async withHunks(step, hunks) {
      const old = await before(step)
      const patched = applyPatch(
        old?.toString() ?? '',
        {
          hunks: [...hunks],
          oldFileName: '',
          newFileName: '',
          oldHeader: '',
          newHeader: '',
          index: '',
        },
        { autoConvertLineEndings: false },
      )
      if (patched === false || step.after?.type !== 'file') return step
      const content = Buffer.from(patched)
      const sha256 = createHash('sha256').update(content).digest('hex')
      await writeFile(join(staging, sha256), content, { mode: 0o600 })
      return { ...step, after: { ...step.after, sha256, size: content.length } }
    },
  }
}

/** Returns whether decoding and encoding as UTF-8 keeps every byte. */
function isExactText(content: Buffer) {
  return Buffer.from(content.toString()).equals(content)
}
