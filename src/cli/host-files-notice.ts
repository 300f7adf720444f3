import { terminalLine } from '../base/terminal-text.ts'
import { changedHostFiles } from '../stack/host-files.ts'
import { lostOverlays } from '../stack/protection.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { renderHostFileChanges } from '../workspace/host-files/render.ts'

/** What changed among the files that the host runs, and which of them are not protected any more. */
export async function hostFilesNotice(
  { stack }: { stack: string },
  options: { all?: boolean } = {},
): Promise<string[]> {
  const state = stateFolder(stack)
  const [changes, lost] = await Promise.all([changedHostFiles(state), lostOverlays(state)])
  return [
    ...renderHostFileChanges(changes, options.all ? changes.length : undefined),
    ...renderLost(lost),
  ]
}

/** A file that was replaced on the host while the stack ran. */
export function renderLost(lost: readonly string[]): string[] {
  if (lost.length === 0) return []
  const names = terminalLine(lost.join(', '))
  return [
    `replaced on this host while the stack ran, so the agent can write it: ${names}; ./claude.ts stop and start protect it again`,
  ]
}
