import { terminalJson } from '../../base/terminal-text.ts'
import { openEngine } from '../../operations/context.ts'
import {
  type CopyDiff,
  diffCopy,
  logRemaining,
  type OpenCopy,
} from '../../operations/copy/open-copy.ts'
import { readCopyItems } from '../../stack/read-copy.ts'
import { type Change, summarizeIgnored } from '../../workspace/copy/changes.ts'
import { readHostContent, textLimit } from '../../workspace/copy/host-state.ts'
import {
  changeLine,
  displayPath,
  renderPatch,
  renderRename,
} from '../../workspace/copy/render-patch.ts'
import type { Invocation } from '../invocation.ts'
import { colourPatch } from '../render/changes.ts'

/** Shows what the agent changed in its copy, as a patch against the files of the host. */
export async function diff(
  paths: readonly string[],
  options: { stat?: boolean; json?: boolean },
  invocation: Invocation,
) {
  const context = await openEngine(invocation)
  const { log } = context
  // A named file is shown even if withheld: the reader decides whether to `apply --include` it.
  const found = await diffCopy(context, paths, {
    withheld: paths.length > 0 && !options.json,
    contents: !options.json && !options.stat,
  })
  const { copy, sorted, changes, conflicts, refused } = found
  if (options.json) {
    console.log(terminalJson(report(found)))
    return
  }
  logRemaining(log, copy, sorted)
  if (changes.length === 0 && sorted.withheld.length === 0) {
    log({ kind: 'info', text: 'the agent changed nothing' })
    return
  }
  if (options.stat) printNames(found)
  else await printPatches(found)
  for (const path of conflicts) {
    log({ kind: 'warn', text: `changed here too since the copy was taken: ${displayPath(path)}` })
  }
  for (const { error } of refused) log({ kind: 'warn', text: error.message })
}

function report({ copy, sorted, changes, renames, conflicts }: CopyDiff) {
  const names = (changes: readonly Change[]) => changes.map(({ path, kind }) => ({ path, kind }))
  return {
    version: 1,
    taken: copy.baseline.taken,
    changes: changes.map(({ path, kind }) => ({
      path,
      kind,
      ...(renames.has(path) && { renamedFrom: renames.get(path) }),
      /** Whether the file changed on the host too. */
      conflict: conflicts.has(path),
    })),
    withheld: names(sorted.withheld),
    ignored: summarizeIgnored(sorted.ignored, copy.baseline),
    gitChanged: copy.gitChanged,
  }
}

function printNames({ changes, renames }: CopyDiff) {
  const moved = new Set(renames.values())
  for (const change of changes) {
    const from = renames.get(change.path)
    if (from !== undefined) console.log(`R ${displayPath(from)} → ${displayPath(change.path)}`)
    else if (!moved.has(change.path)) console.log(changeLine(change))
  }
}

async function printPatches({ copy, changes, renames }: CopyDiff) {
  const moved = new Set(renames.values())
  for (const change of changes) {
    const from = renames.get(change.path)
    if (from !== undefined) show(renderRename(from, change))
  }
  await printContents(
    copy,
    changes.filter(({ path }) => !renames.has(path) && !moved.has(path)),
  )
}

async function printContents(copy: OpenCopy, changes: readonly Change[]) {
  const before = (path: string) => readHostContent(copy.root, path)
  for (const change of changes) {
    if (change.kind === 'deleted') show(renderPatch(change, await before(change.path), null))
  }
  const written = new Map<string, Change>()
  for (const change of changes) {
    const content = copy.contents.get(change.path)
    if (change.kind === 'deleted') continue
    if (content) await showWritten(change, content)
    else if (change.after?.type === 'link') {
      await showWritten(change, Buffer.from(change.after.target))
    } else if (change.after && change.after.size > textLimit) await showWritten(change, null)
    else written.set(change.path, change)
  }
  if (written.size === 0) return
  const keep = (path: string) =>
    written.has(path) ? ({ kind: 'memory', limit: textLimit } as const) : null
  await readCopyItems(copy, keep, async ({ path, entry, content }) => {
    const change = written.get(path)
    if (!change) return
    written.delete(path)
    await showWritten(change, entry.type === 'link' ? Buffer.from(entry.target) : (content ?? null))
  })

  async function showWritten(change: Change, after: Buffer | null) {
    show(renderPatch(change, change.kind === 'added' ? null : await before(change.path), after))
  }
}

function show(patch: string) {
  process.stdout.write(colourPatch(patch))
}
