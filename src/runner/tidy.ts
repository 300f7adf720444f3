import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Workspace } from './workspace.ts'

/**
 * Removes what Claude Code leaves when it is ended before its time: probes, sockets and snapshots of a
 * shell. To be called when no process of the workspace is there; what the agent itself put in its
 * temporary folder stays.
 */
export async function tidy({ home, temporary }: Workspace): Promise<void> {
  const snapshots = join(home, '.claude/shell-snapshots')
  const paths = [
    ...namesIn(temporary)
      .filter(name => /^(claude-\d+|cc-socks)$/.test(name))
      .map(name => join(temporary, name)),
    ...namesIn(snapshots).map(name => join(snapshots, name)),
  ]
  // Links are removed, not followed. What cannot be removed is no reason to fail a run.
  await Promise.all(paths.map(path => rm(path, { recursive: true, force: true }).catch(() => {})))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
