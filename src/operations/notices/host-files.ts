import { command } from '../../base/command.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { changedHostFiles } from '../../stack/host-files.ts'
import { lostOverlays } from '../../stack/protection.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { renderHostFileChanges } from '../../workspace/host-files/changes.ts'

/** Reports changes to files that the host runs, and files that lost their protection. */
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

/** Reports files that were replaced on the host while the stack ran. */
export function renderLost(lost: readonly string[]): string[] {
  if (lost.length === 0) return []
  const names = terminalLine(lost.join(', '))
  return [
    `no longer protected, because they were replaced on this host while the stack ran: ${names}; run ${command('stop')} and ${command('start')} to protect them again`,
  ]
}
