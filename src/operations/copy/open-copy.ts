import { relative, resolve } from 'node:path'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { type Log, slowStep } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { nearestName } from '../../config/issue-message.ts'
import { parseProtectAlso } from '../../config/protected-names.ts'
import { type Archive, createArchive } from '../../engine/archive.ts'
import { isWithin } from '../../files/beneath.ts'
import { type CopyState, readCopyChanges } from '../../stack/read-copy.ts'
import { type StateFolder, stateFolder } from '../../stack/state/state-folder.ts'
import { copyContainer, every, progressInterval } from '../../stack/workspace-copy.ts'
import {
  type Change,
  type ChangeSelection,
  type SortedChanges,
  sortChanges,
  summarizeIgnored,
} from '../../workspace/copy/changes.ts'
import { renderCopied } from '../../workspace/copy/copied.ts'
import { planApply } from '../../workspace/copy/plan.ts'
import { displayPath, findRenames } from '../../workspace/copy/render-patch.ts'
import { createProtectedNames, withheldNames } from '../../workspace/protected-paths.ts'
import type { EngineContext } from '../context.ts'
import { currentStack } from '../find-stacks.ts'

export type OpenCopy = CopyState & {
  root: string
  container: string
  state: StateFolder
  archive: Archive
  signal: AbortSignal
  /** Names of PROTECT_ALSO. */
  also: readonly string[]
}

/** Reads the copy of the current folder and the agent's changes in it; throws when it is not a copy. */
export async function openCopy(
  context: Pick<EngineContext, 'engine' | 'signal' | 'log'>,
  options: { contents?: boolean } = {},
): Promise<OpenCopy> {
  const { signal } = context
  const stack = await currentStack(context)
  const container = copyContainer(stack)
  const state = stateFolder(stack.stack)
  const archive = createArchive(context.engine.address)
  const result =
    stack.workspaceMode === 'copy' && container !== null
      ? await slowStep(context.log, 'reading the copy', progress =>
          readCopyChanges(
            { archive, container, state, signal },
            {
              contents: options.contents ?? false,
              progress: showRead(progress),
            },
          ),
        )
      : null
  if (container === null || !result) {
    throw new UserError(`${stack.workspace} is not open as a copy`, {
      hint: 'the agent writes to the folder itself: run git diff to see its changes',
    })
  }
  const also = parseProtectAlso(stack.protectAlso) ?? []
  return { ...result, root: stack.workspace, container, state, archive, signal, also }
}

/** Returns a report of how much was read, for a step. */
export function showRead(progress: (text: string) => void) {
  return every(progressInterval, (files, bytes) => progress(renderCopied(files, bytes)))
}

/** Checks the typed arguments: names of protected files, and paths inside the copied folder. */
export function parseSelection(
  { root, also }: Pick<OpenCopy, 'root' | 'also'>,
  paths: readonly string[],
  include: readonly string[] = [],
): ChangeSelection {
  const names = [...withheldNames, ...also]
  for (const name of include) {
    if (names.includes(name)) continue
    const near = nearestName(name, names)
    throw new UserError(`--include ${terminalLine(name)} is not the name of a withheld file`, {
      hint:
        name === '.git'
          ? 'the .git folder stays in the copy; see docs/modes/copy.md'
          : `${near ? `did you mean ${near}? ` : ''}the names are ${names.join(' ')}`,
      exitCode: 2,
    })
  }
  return { include, paths: paths.map(path => insidePath(root, path)), also }
}

function insidePath(root: string, path: string) {
  const full = resolve(root, path)
  if (!isWithin(root, full)) {
    throw new UserError(`${terminalLine(path)} is not in ${root}`, {
      hint: 'give paths inside the folder that was copied',
      exitCode: 2,
    })
  }
  return relative(root, full)
}

/** Selects the requested changes; throws for an unknown path, and when nothing changed at any of them. */
export function selectChanges(copy: OpenCopy, selection: ChangeSelection): SortedChanges {
  // The folder itself selects everything.
  const paths = selection.paths?.includes('') ? [] : (selection.paths ?? [])
  const unchanged = paths.filter(path => {
    const one = sortChanges(copy.changes, copy.baseline, { paths: [path], also: copy.also })
    return one.applicable.length + one.withheld.length === 0
  })
  const taken = [...copy.baseline.tree.keys()]
  const unknown = unchanged.find(path => !taken.some(entry => isWithin(path, entry)))
  const wrong = unchanged.length === paths.length ? unchanged[0] : unknown
  if (wrong !== undefined) {
    throw new UserError(`the agent changed nothing at ${terminalLine(wrong)}`, {
      hint: `run ${command('diff --stat')} to list its changes`,
    })
  }
  return sortChanges(copy.changes, copy.baseline, { ...selection, paths })
}

/** Logs which changes stay in the copy, and how to get them. */
export function logRemaining(log: Log, copy: OpenCopy, sorted: SortedChanges) {
  const info = (text: string) => log({ kind: 'info', text })
  if (copy.gitChanged) {
    info('commits, branches and git settings stay in the copy; only files come back')
  }
  for (const folder of copy.repositories) {
    const name = displayPath(folder || '.')
    log({
      kind: 'warn',
      text: `not applied, because git would take its folder for a repository and obey it: what git reads in ${name}`,
    })
  }
  for (const { path } of sorted.withheld) {
    log({ kind: 'warn', text: `not applied, because your host would run it: ${displayPath(path)}` })
  }
  const protectedNameOf = createProtectedNames(copy.also)
  const names = [...new Set(sorted.withheld.map(({ path }) => protectedNameOf(path) ?? path))]
  if (names.length > 0) {
    const include = names.map(name => `--include ${name}`).join(' ')
    info(`to read them: ${command('diff PATH')}; to apply them: ${command(`apply ${include}`)}`)
  }
  const ignored = summarizeIgnored(sorted.ignored, copy.baseline)
  if (ignored.length === 0) return
  const shown = ignored
    .slice(0, 5)
    .map(({ path, files }) =>
      path.endsWith('/') ? `${displayPath(path)} (${files})` : displayPath(path),
    )
  const more = ignored.length > 5 ? ` and ${ignored.length - 5} more` : ''
  info(`new ignored files stay in the copy: ${shown.join(', ')}${more}; name a path to apply it`)
}

export type CopyDiff = {
  copy: OpenCopy
  sorted: SortedChanges
  /** The changes to show, by path. */
  changes: readonly Change[]
  /** New path to old path. */
  renames: ReadonlyMap<string, string>
  /** Paths that changed on the host too. */
  conflicts: ReadonlySet<string>
  refused: readonly { error: UserError }[]
}

/**
 * Compares the agent's copy with the folder. `withheld`: show changes that `apply` withholds too.
 * `contents`: keep the contents of changed files.
 */
export async function diffCopy(
  context: Pick<EngineContext, 'engine' | 'signal' | 'log'>,
  paths: readonly string[],
  { withheld, contents }: { withheld: boolean; contents: boolean },
): Promise<CopyDiff> {
  const copy = await openCopy(context, { contents })
  const sorted = selectChanges(copy, parseSelection(copy, paths))
  const changes = withheld
    ? [...sorted.applicable, ...sorted.withheld].sort((a, b) => (a.path < b.path ? -1 : 1))
    : sorted.applicable
  const { conflicts, refused } = await planApply(copy.root, changes, context.signal)
  return { copy, sorted, changes, renames: findRenames(changes), conflicts, refused }
}
