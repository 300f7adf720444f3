import { lstatSync, readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from '../workspace.ts'

/** A probe that is older than this belongs to no claude that is just starting. */
const staleMilliseconds = 10_000

/**
 * Removes what Claude Code leaves when it is ended before its time: probes, sockets and snapshots of a
 * shell. What the agent itself put in its temporary folder stays.
 *
 * @param inUse whether processes of the workspace still wait: then only what none of them can need
 */
export async function tidy(workspace: Workspace, inUse: boolean): Promise<void> {
  const paths = inUse ? staleProbes(workspace) : leftovers(workspace)
  // Links are removed, not followed. What cannot be removed is no reason to fail a run.
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
 * None where the folder is a link: a run can put one there, and what it leads to may be another
 * workspace's, or the runner's own (threat H2).
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
