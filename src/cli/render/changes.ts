import { createColors } from 'picocolors'
import type { Step } from '../../workspace/copy/journal.ts'
import { changeLine } from '../../workspace/copy/render-patch.ts'
import { hasColours } from '../terminal.ts'

/** Colours a patch when stdout is a terminal. */
export function colourPatch(patch: string): string {
  if (!hasColours(process.stdout)) return patch
  const { bold, cyan, green, red } = createColors(true)
  const header = /^(diff --git|---|\+\+\+|new file|deleted file|old mode|new mode|rename) /
  const paint = (line: string) => {
    if (header.test(line)) return bold(line)
    if (line.startsWith('@@')) return cyan(line)
    if (line.startsWith('+')) return green(line)
    return line.startsWith('-') ? red(line) : line
  }
  return patch.split('\n').map(paint).join('\n')
}

/** Renders a step of an apply, such as `M src/a.ts`. */
export function stepLine({ path, before, after }: Step): string {
  return changeLine({ path, kind: kindOf(before, after) })
}

/** Renders the reverse of a step. */
export function undoneLine({ path, before, after }: Step): string {
  return changeLine({ path, kind: kindOf(after, before) })
}

function kindOf(before: unknown, after: unknown) {
  return after === null ? 'deleted' : before === null ? 'added' : 'modified'
}
