import { createTwoFilesPatch } from 'diff'
import { createArchive } from '../../docker/archive.ts'
import { UserError } from '../../errors.ts'
import { stateFolder } from '../../stack/state-folder.ts'
import { copyContainer, copyItems, readCopyChanges } from '../../stack/workspace-copy.ts'
import { terminalLine, terminalText } from '../../terminal-text.ts'
import type { Baseline } from '../../workspace/copy/baseline.ts'
import { type Change, sortChanges } from '../../workspace/copy/changes.ts'
import { readHostText } from '../../workspace/copy/host-text.ts'
import { currentStack } from '../current-stack.ts'
import { type EngineContext, openEngine } from '../engine-context.ts'
import type { Invocation } from '../program.ts'

/** Shows what the agent changed in its copy, as a patch against the files of the host. */
export async function diff(options: { stat?: boolean; json?: boolean }, invocation: Invocation) {
  const context = await openEngine(invocation)
  const copy = await openCopy(context)
  const { applicable, withheld } = sortChanges(copy.changes, copy.baseline)
  if (options.json) {
    const names = (changes: readonly Change[]) => changes.map(({ path, kind }) => ({ path, kind }))
    console.log(JSON.stringify({ changes: names(applicable), withheld: names(withheld) }, null, 2))
    return
  }
  tellAboutGit(context, copy)
  if (copy.changes.length === 0) {
    context.log({ kind: 'info', text: 'the agent changed nothing' })
    return
  }
  if (options.stat) {
    for (const change of applicable) console.log(changeLine(change))
  } else {
    await printPatches(copy, applicable)
  }
  for (const change of withheld) {
    context.log({
      kind: 'warn',
      text: `not applied, because your host would run it: ${change.path}`,
    })
  }
}

/** Commits and branches are not files of the workspace: nothing brings them back yet. */
export function tellAboutGit({ log }: Pick<EngineContext, 'log'>, { gitChanged }: OpenCopy) {
  if (!gitChanged) return
  log({
    kind: 'info',
    text: 'what git keeps (commits, branches, its settings) stays in the copy; files come back',
  })
}

const letters = { added: 'A', modified: 'M', deleted: 'D' }

export function changeLine({ kind, path }: Change): string {
  return `${letters[kind]} ${terminalLine(path, 1_000)}`
}

export type OpenCopy = {
  root: string
  baseline: Baseline
  changes: Change[]
  gitChanged: boolean
  container: string
  state: ReturnType<typeof stateFolder>
  archive: ReturnType<typeof createArchive>
}

/** The copy of the current folder and what the agent changed in it; an error when it is not a copy. */
export async function openCopy(context: EngineContext): Promise<OpenCopy> {
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
  return {
    root: stack.workspace,
    baseline: result.baseline,
    changes: result.changes,
    gitChanged: result.gitChanged,
    container,
    state,
    archive,
  }
}

async function printPatches(copy: OpenCopy, changes: readonly Change[]) {
  const byPath = new Map(changes.map(change => [change.path, change]))
  const show = (text: string) =>
    process.stdout.write(process.stdout.isTTY ? terminalText(text) : text)
  for (const change of changes) {
    if (change.kind !== 'added' && change.kind !== 'modified') {
      const before = await readHostText(copy.root, change.path)
      show(renderPatch(change, before, ''))
    }
  }
  const items = copyItems(copy, path => {
    const kind = byPath.get(path)?.kind
    return kind === 'added' || kind === 'modified'
  })
  for await (const { path, entry, content } of items) {
    const change = byPath.get(path)
    if (!change) continue
    const after = entry.type === 'link' ? `link to ${entry.target}\n` : content?.toString()
    const before = change.kind === 'added' ? '' : await readHostText(copy.root, path)
    show(renderPatch(change, before, after ?? null))
  }
}

/** A unified diff, or one line where there is no text to compare. */
function renderPatch(change: Change, before: string | null, after: string | null) {
  const path = terminalLine(change.path, 1_000)
  if (before === null || after === null || before.includes('\0') || after.includes('\0')) {
    return `${changeLine(change)} (not text)\n`
  }
  return createTwoFilesPatch(
    change.kind === 'added' ? '/dev/null' : `a/${path}`,
    change.kind === 'deleted' ? '/dev/null' : `b/${path}`,
    before,
    after,
  )
}
