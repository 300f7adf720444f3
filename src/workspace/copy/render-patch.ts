import { type StructuredPatchHunk, structuredPatch } from 'diff'
import { visibleText } from '../../base/terminal-text.ts'
import type { Change } from './changes.ts'
import type { Entry } from './entry.ts'

export const letters = { added: 'A', modified: 'M', deleted: 'D' } as const

/** Renders `M src/a.ts`, safe for a terminal. */
export function changeLine({ kind, path }: Pick<Change, 'kind' | 'path'>): string {
  return `${letters[kind]} ${displayPath(path)}`
}

/** Renders a name on one line, with hidden and control characters made visible. */
export function displayPath(path: string): string {
  const visible = visibleText(path)
    .replaceAll('\n', '^J')
    .replaceAll('\t', '^I')
    .replaceAll('\r', '^M')
  return visible.length > 1_000 ? `${visible.slice(0, 999)}…` : visible
}

/** Maximum milliseconds for the shortest diff: its time grows with size and difference. */
const patience = 3_000

/**
 * Compares two texts; null when one is binary, or when the comparison takes too long.
 */
export function compareTexts(
  before: Buffer,
  after: Buffer,
  timeout = patience,
): StructuredPatchHunk[] | null {
  if (before.includes(0) || after.includes(0)) return null
  const patch = structuredPatch('', '', before.toString(), after.toString(), '', '', {
    context: 3,
    timeout,
  })
  return patch?.hunks ?? null
}

/** Renders a change as git does: kind, modes and unified diff. Null is content that is not shown. */
export function renderPatch(
  change: Change,
  before: Buffer | null,
  after: Buffer | null,
  timeout = patience,
): string {
  const name = displayPath(change.path)
  const lines = [`diff --git a/${name} b/${name}`, ...modeLines(change)]
  const none = Buffer.alloc(0)
  const old = change.kind === 'added' ? none : before
  const next = change.kind === 'deleted' ? none : after
  const sameContent =
    change.before?.type === 'file' &&
    change.after?.type === 'file' &&
    change.before.sha256 === change.after.sha256
  if (!sameContent) {
    const hunks = old && next && compareTexts(old, next, timeout)
    if (!hunks) lines.push(`Not shown: ${describe(change)}`)
    else if (hunks.length > 0) {
      lines.push(change.kind === 'added' ? '--- /dev/null' : `--- a/${name}`)
      lines.push(change.kind === 'deleted' ? '+++ /dev/null' : `+++ b/${name}`)
      for (const hunk of hunks) lines.push(renderHunk(hunk))
    }
  }
  return `${lines.join('\n')}\n`
}

export function renderHunk(hunk: StructuredPatchHunk): string {
  // An empty range starts at the line before it.
  const range = (start: number, lines: number) => `${lines === 0 ? start - 1 : start},${lines}`
  const { oldStart, oldLines, newStart, newLines, lines } = hunk
  const head = `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`
  return [head, ...lines.map(visibleText)].join('\n')
}

/** Renders a deleted file and a new file with the same content as a rename. */
export function renderRename(from: string, to: Change): string {
  const [old, name] = [displayPath(from), displayPath(to.path)]
  return `diff --git a/${old} b/${name}\nsimilarity index 100%\nrename from ${old}\nrename to ${name}\n`
}

function modeLines({ kind, before, after }: Change): string[] {
  if (kind === 'added') return [`new file mode ${gitMode(after)}`]
  if (kind === 'deleted') return [`deleted file mode ${gitMode(before)}`]
  const [old, next] = [gitMode(before), gitMode(after)]
  return old === next ? [] : [`old mode ${old}`, `new mode ${next}`]
}

function gitMode(entry: Entry | undefined) {
  if (entry?.type === 'link') return '120000'
  return entry?.executable ? '100755' : '100644'
}

function describe({ before, after }: Change) {
  const size = (entry: Entry | undefined) =>
    entry?.type === 'file' ? `${entry.size} bytes` : entry ? 'a symlink' : 'nothing'
  return `binary or large, ${size(before)} before, ${size(after)} now`
}

/** Returns the deleted path for each new path with the same content; uses each deleted path once. */
export function findRenames(changes: readonly Change[]): Map<string, string> {
  const gone = new Map<string, string[]>()
  for (const { kind, path, before } of changes) {
    if (kind !== 'deleted' || before?.type !== 'file' || before.size === 0) continue
    gone.set(keyOf(before), [...(gone.get(keyOf(before)) ?? []), path])
  }
  const renames = new Map<string, string>()
  for (const { kind, path, after } of changes) {
    if (kind !== 'added' || after?.type !== 'file') continue
    const from = gone.get(keyOf(after))?.shift()
    if (from !== undefined) renames.set(path, from)
  }
  return renames
}

function keyOf(entry: Entry & { type: 'file' }) {
  return `${entry.sha256} ${entry.executable}`
}
