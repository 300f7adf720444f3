import { terminalJson } from '../../base/terminal-text.ts'
import { openEngine } from '../../operations/engine-context.ts'
import { copyItems } from '../../stack/workspace-copy.ts'
import { type Change, summarizeIgnored } from '../../workspace/copy/changes.ts'
import { readHostContent, textLimit } from '../../workspace/copy/host-text.ts'
import { planApply } from '../../workspace/copy/plan.ts'
import {
  changeLine,
  findRenames,
  nameOf,
  renderPatch,
  renderRename,
} from '../../workspace/copy/render-patch.ts'
import { colourPatch } from '../copy/colour-patch.ts'
import {
  chooseChanges,
  type OpenCopy,
  openCopy,
  parseWish,
  tellWhatStays,
} from '../copy/open-copy.ts'
import type { Invocation } from '../invocation.ts'

/** Shows what the agent changed in its copy, as a patch against the files of the host. */
export async function diff(
  paths: readonly string[],
  options: { stat?: boolean; json?: boolean },
  invocation: Invocation,
) {
  const context = await openEngine(invocation)
  const { log } = context
  const copy = await openCopy(context)
  const sorted = chooseChanges(copy, parseWish(copy.root, paths))
  // Who names what is withheld wants to read it, before taking it with `apply --include`.
  const named = paths.length > 0 && !options.json
  const applicable = named
    ? [...sorted.applicable, ...sorted.withheld].sort((a, b) => (a.path < b.path ? -1 : 1))
    : sorted.applicable
  const { conflicts, refused } = await planApply(copy.root, applicable)
  const renames = findRenames(applicable)
  if (options.json) {
    const names = (changes: readonly Change[]) => changes.map(({ path, kind }) => ({ path, kind }))
    const report = {
      version: 1,
      taken: copy.baseline.taken,
      changes: applicable.map(({ path, kind }) => ({
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
    console.log(terminalJson(report))
    return
  }
  tellWhatStays(log, copy, sorted)
  if (applicable.length === 0 && sorted.withheld.length === 0) {
    log({ kind: 'info', text: 'the agent changed nothing' })
    return
  }
  const moved = new Set(renames.values())
  if (options.stat) {
    for (const change of applicable) {
      const from = renames.get(change.path)
      if (from !== undefined) console.log(`R ${nameOf(from)} → ${nameOf(change.path)}`)
      else if (!moved.has(change.path)) console.log(changeLine(change))
    }
  } else {
    const rest = applicable.filter(({ path }) => !renames.has(path) && !moved.has(path))
    for (const change of applicable) {
      const from = renames.get(change.path)
      if (from !== undefined) show(renderRename(from, change))
    }
    await printPatches(copy, rest)
  }
  for (const path of conflicts) {
    log({ kind: 'warn', text: `changed here as well since the copy was taken: ${nameOf(path)}` })
  }
  for (const { error } of refused) log({ kind: 'warn', text: error.message })
}

async function printPatches(copy: OpenCopy, changes: readonly Change[]) {
  const before = (path: string) => readHostContent(copy.root, path)
  for (const change of changes) {
    if (change.kind === 'deleted') show(renderPatch(change, await before(change.path), null))
  }
  const written = new Map(
    changes.filter(({ kind }) => kind !== 'deleted').map(change => [change.path, change]),
  )
  if (written.size === 0) return
  const items = copyItems(copy, path =>
    written.has(path) ? { kind: 'memory', limit: textLimit } : null,
  )
  for await (const { path, entry, content } of items) {
    const change = written.get(path)
    if (!change) continue
    const after = entry.type === 'link' ? Buffer.from(entry.target) : (content ?? null)
    show(renderPatch(change, change.kind === 'added' ? null : await before(path), after))
  }
}

function show(patch: string) {
  process.stdout.write(colourPatch(patch))
}
