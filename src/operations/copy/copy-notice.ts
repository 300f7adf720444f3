import { command } from '../../base/command.ts'
import { createArchive } from '../../engine/archive.ts'
import { createEngine } from '../../engine/engine.ts'
import type { EngineAddress } from '../../engine/engine-request.ts'
import { inspectStack } from '../../stack/inspect.ts'
import { readCopyChanges } from '../../stack/read-copy.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { sortChanges } from '../../workspace/copy/changes.ts'

/** Milliseconds after which a large copy is reported without a count. */
const patience = 2_000

/** Reports what a session left in the copy of its folder; nothing for a mounted folder. */
export async function copyNotice(
  { address, container, stack }: { address: EngineAddress; container: string; stack: string },
  signal: AbortSignal,
): Promise<string[]> {
  const state = await inspectStack(createEngine(address), stack)
  if (state?.workspaceMode !== 'copy') return []
  if (state.identity?.kind === 'session') {
    return (await import('../sessions/session-notice.ts')).sessionNotice(
      { address, container, stack },
      signal,
    )
  }
  const archive = createArchive(address)
  const found = await readCopyChanges({
    archive,
    container,
    state: stateFolder(stack),
    signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
  }).catch(() => 'unread' as const)
  if (found === 'unread') return renderCopyNotice(null)
  if (found === null) return []
  const { applicable, withheld } = sortChanges(found.changes, found.baseline)
  return renderCopyNotice(applicable.length + withheld.length)
}

/** `changes` is null when they could not be counted in time. */
export function renderCopyNotice(changes: number | null): string[] {
  const how = `${command('diff')} shows them, ${command('apply')} brings them back`
  if (changes === null) return [`the agent's changes are in its copy: ${how}`]
  if (changes === 0) return []
  return [`${changes} changed ${changes === 1 ? 'file is' : 'files are'} in the copy: ${how}`]
}
