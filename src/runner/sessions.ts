import { lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SessionId } from '../run/request.ts'
import { readRegularFile } from './regular-file.ts'
import type { Workspace } from './workspace.ts'

/**
 * Which session a workspace's next run goes on with. Kept where no run can write: beside the homes, not
 * in them.
 */
export function createSessions(folder: string) {
  const path = ({ key }: Workspace) => join(folder, `${key}.session`)
  return {
    /** The last run's session, if there is still something to go on with. */
    last(workspace: Workspace): string | null {
      const id = SessionId.safeParse(readRegularFile(path(workspace), 64)?.trim())
      return id.success && hasTranscript(workspace, id.data) ? id.data : null
    },
    remember(workspace: Workspace, id: string) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const next = `${path(workspace)}.tmp`
      writeFileSync(next, id, { mode: 0o600 })
      renameSync(next, path(workspace))
    },
  }
}
export type Sessions = ReturnType<typeof createSessions>

/**
 * Whether this workspace's own config folder has the conversation. Claude Code itself would take up one
 * of any other folder.
 */
export function hasTranscript({ home }: Workspace, id: string): boolean {
  const projects = join(home, '.claude/projects')
  try {
    return readdirSync(projects).some(name => {
      const stats = lstatSync(join(projects, name, `${id}.jsonl`), { throwIfNoEntry: false })
      return stats?.isFile() === true && stats.size > 0
    })
  } catch {
    return false
  }
}
