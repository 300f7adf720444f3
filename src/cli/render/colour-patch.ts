import { createColors } from 'picocolors'
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
