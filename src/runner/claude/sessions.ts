import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'
import { replaceFileSync } from '../../files/replace-file.ts'
import { SessionId } from '../../run/ids.ts'
import type { Workspace } from '../workspace.ts'

/** Returns the file, beside a workspace's home, that names the session of its last run. */
export const sessionFile = (folder: string, key: string) => join(folder, `${key}.session`)

/**
 * Stores the session that a workspace's next run continues, where no run can write: beside the homes, not
 * in them.
 */
export function createSessions(folder: string) {
  const path = ({ key }: Workspace) => sessionFile(folder, key)
  return {
    /** Returns the last run's session; its transcript may have been removed since. */
    last(workspace: Workspace): string | null {
      const id = SessionId.safeParse(
        textOf(readRegularFileSync(path(workspace), { limit: 64 }))?.trim(),
      )
      return id.success ? id.data : null
    },
    remember(workspace: Workspace, id: string) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      replaceFileSync(path(workspace), id)
    },
  }
}
export type Sessions = ReturnType<typeof createSessions>

/**
 * Returns whether this workspace's own config folder has the conversation. Claude Code itself would
 * resume one of any other folder.
 */
export function hasTranscript(workspace: Workspace, id: string): boolean {
  return findTranscript(workspace, id) !== null
}

/** Returns the transcript of a conversation in this workspace's own config folder. */
export function findTranscript({ home }: Workspace, id: string): string | null {
  const projects = join(home, '.claude/projects')
  try {
    const paths = readdirSync(projects).map(name => join(projects, name, `${id}.jsonl`))
    const found = paths.find(path => {
      const stats = lstatSync(path, { throwIfNoEntry: false })
      return stats?.isFile() === true && stats.size > 0
    })
    return found ?? null
  } catch {
    return null
  }
}
