import { lstatSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from '../workspace.ts'

/** An older probe does not belong to a claude that is starting. */
const staleMilliseconds = 10_000

/**
 * Removes the probes, sockets and shell snapshots that Claude Code leaves when it is terminated early.
 * Keeps the agent's own files in its temporary folder.
 *
 * @param inUse whether the workspace has waiting processes: then removes only files that none of them needs
 */
export async function tidy(workspace: Workspace, inUse: boolean): Promise<void> {
  const paths = inUse ? staleProbes(workspace) : leftovers(workspace)
  // Symlinks are removed, not followed. A failed removal does not fail the run.
  await Promise.all(paths.map(path => rm(path, { recursive: true, force: true }).catch(() => {})))
}

function leftovers({ home, temporary }: Workspace): string[] {
  return [
    ...below(temporary, /^(claude-\d+|cc-socks)$/),
    ...below(join(home, '.claude'), /^shell-snapshots$/).flatMap(folder => below(folder, /./)),
  ]
}

function staleProbes({ temporary }: Workspace): string[] {
  return below(temporary, /^claude-\d+$/)
    .flatMap(folder => below(folder, /^fswatch-probe-/))
    .filter(path => {
      const stats = lstatSync(path, { throwIfNoEntry: false })
      return stats && Date.now() - stats.mtimeMs > staleMilliseconds
    })
}

/**
 * Returns the matching paths; none when the folder is a symlink: a run can create one, and its target may
 * belong to another workspace, or to the runner (threat H2).
 */
function below(folder: string, names: RegExp): string[] {
  try {
    if (!lstatSync(folder).isDirectory()) return []
    return readdirSync(folder)
      .filter(name => names.test(name))
      .map(name => join(folder, name))
  } catch {
    return []
  }
}
