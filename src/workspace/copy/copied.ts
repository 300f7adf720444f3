import { command } from '../../base/command.ts'
import type { LogEvent } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Packed } from './pack.ts'

type Told = Pick<Packed, 'tree' | 'bytes' | 'leftOut' | 'passedOver' | 'sparse' | 'gitUnsettled'>

/** Returns messages about a copy that was taken: its size, and what is not in it. */
export function describeCopied({
  tree,
  bytes,
  leftOut,
  passedOver,
  sparse,
  gitUnsettled,
}: Told): LogEvent[] {
  const messages: LogEvent[] = [{ kind: 'info', text: `copied ${renderCopied(tree.size, bytes)}` }]
  if (sparse.length > 0) {
    const text = `not copied, because they are sparse files and would take their full size in the copy: ${someOf(sparse)}`
    messages.push({ kind: 'warn', text })
  }
  if (leftOut.length > 0) {
    messages.push({ kind: 'info', text: `left out of the copy: ${someOf(leftOut)}` })
  }
  const again = `run ${command('start --fresh-copy')} to copy again`
  if (passedOver.length > 0) {
    const text = `not copied, because they disappeared or changed while they were read: ${someOf(passedOver)}; ${again}`
    messages.push({ kind: 'warn', text })
  }
  if (gitUnsettled) {
    const text = `git changed .git all the time while it was copied, so the copy may lack commits; ${again}`
    messages.push({ kind: 'warn', text })
  }
  return messages
}

/** Renders `12,345 files, 67.8 MB`. */
export function renderCopied(files: number, bytes: number): string {
  const count = files.toString().replace(/\B(?=(\d{3})+$)/g, ',')
  return `${count} ${files === 1 ? 'file' : 'files'}, ${renderSize(bytes)}`
}

function renderSize(bytes: number) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1)
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

function someOf(paths: readonly string[]) {
  const shown = paths.slice(0, 5).map(path => terminalLine(path, 60))
  const more = paths.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
