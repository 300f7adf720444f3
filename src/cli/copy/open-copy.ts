import { posix, relative } from 'node:path'
import { UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { nearestName } from '../../config/nearest-name.ts'
import { type Archive, createArchive } from '../../engine/archive.ts'
import { currentStack } from '../../operations/current-stack.ts'
import type { EngineContext } from '../../operations/engine-context.ts'
import { type StateFolder, stateFolder } from '../../stack/state/state-folder.ts'
import { type CopyState, copyContainer, readCopyChanges } from '../../stack/workspace-copy.ts'
import {
  type SortedChanges,
  sortChanges,
  summarizeIgnored,
  type Wish,
} from '../../workspace/copy/changes.ts'
import { nameOf } from '../../workspace/copy/render-patch.ts'
import { isAtOrBelow } from '../../workspace/ignore/rules.ts'
import { protectedNameOf, withheldNames } from '../../workspace/protected-paths.ts'

export type OpenCopy = CopyState & {
  root: string
  container: string
  state: StateFolder
  archive: Archive
}

/** The copy of the current folder and what the agent changed in it; an error when it is not a copy. */
export async function openCopy(context: Pick<EngineContext, 'engine'>): Promise<OpenCopy> {
  const stack = await currentStack(context)
  const container = copyContainer(stack)
  const state = stateFolder(stack.stack)
  const archive = createArchive(context.engine.address)
  const result =
    stack.workspaceMode === 'copy' && container !== null
      ? await readCopyChanges({ archive, container, state })
      : null
  if (container === null || !result) {
    throw new UserError(`${stack.workspace} is not open as a copy`, {
      hint: 'the agent writes to the folder itself: git diff shows what it changed',
    })
  }
  return { ...result, root: stack.workspace, container, state, archive }
}

/** What was typed, checked: names of protected files, and paths of this folder. */
export function parseWish(
  root: string,
  paths: readonly string[],
  include: readonly string[] = [],
): Wish {
  for (const name of include) {
    if ((withheldNames as readonly string[]).includes(name)) continue
    const near = nearestName(name, withheldNames)
    throw new UserError(`--include ${terminalLine(name)} names nothing that is withheld`, {
      hint:
        name === '.git'
          ? 'what git keeps stays in the copy; see docs/modes/copy.md'
          : `${near ? `did you mean ${near}? ` : ''}the names are ${withheldNames.join(' ')}`,
      exitCode: 2,
    })
  }
  return { include, paths: paths.map(path => insidePath(root, path)) }
}

function insidePath(root: string, path: string) {
  const inside = posix.normalize(path.startsWith('/') ? relative(root, path) : path)
  if (inside === '..' || inside.startsWith('../')) {
    throw new UserError(`${terminalLine(path)} is not in ${root}`, {
      hint: 'paths are those of the folder in which the copy was taken',
      exitCode: 2,
    })
  }
  return inside === '.' ? '' : inside.replace(/\/$/, '')
}

/** The changes that were asked for; an error for a path that is nowhere, and where nothing changed at all. */
export function chooseChanges(copy: OpenCopy, wish: Wish): SortedChanges {
  // The folder itself is no narrowing.
  const paths = wish.paths?.includes('') ? [] : (wish.paths ?? [])
  const unchanged = paths.filter(path => {
    const one = sortChanges(copy.changes, copy.baseline, { paths: [path] })
    return one.applicable.length + one.withheld.length === 0
  })
  const taken = [...copy.baseline.tree.keys()]
  const unknown = unchanged.find(path => !taken.some(entry => isAtOrBelow(entry, path)))
  const wrong = unchanged.length === paths.length ? unchanged[0] : unknown
  if (wrong !== undefined) {
    throw new UserError(`the agent changed nothing at ${terminalLine(wrong)}`, {
      hint: './claude.ts diff --stat shows what it changed',
    })
  }
  return sortChanges(copy.changes, copy.baseline, { ...wish, paths })
}

/** What stays in the copy, and how to get it. */
export function tellWhatStays(log: Log, copy: OpenCopy, sorted: SortedChanges) {
  if (copy.gitChanged) {
    log({
      kind: 'info',
      text: 'what git keeps (commits, branches, its settings) stays in the copy; the files come back',
    })
  }
  for (const { path } of sorted.withheld) {
    log({ kind: 'warn', text: `not applied, because your host would run it: ${nameOf(path)}` })
  }
  const names = [...new Set(sorted.withheld.map(({ path }) => protectedNameOf(path) ?? path))]
  if (names.length > 0) {
    const include = names.map(name => `--include ${name}`).join(' ')
    log({
      kind: 'info',
      text: `to read them: ./claude.ts diff PATH; to take them: ./claude.ts apply ${include}`,
    })
  }
  const ignored = summarizeIgnored(sorted.ignored, copy.baseline)
  if (ignored.length === 0) return
  const shown = ignored
    .slice(0, 5)
    .map(({ path, files }) => (path.endsWith('/') ? `${nameOf(path)} (${files})` : nameOf(path)))
  const more = ignored.length > 5 ? ` and ${ignored.length - 5} more` : ''
  log({
    kind: 'info',
    text: `new at ignored places, and left in the copy: ${shown.join(', ')}${more}; name one to get it`,
  })
}
