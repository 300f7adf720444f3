import { createHash } from 'node:crypto'

/** Folder in the worker with a separate home for each workspace. */
export const runHomes = '/home/claude/workspaces'

/** Returns the name of a workspace's home: a readable part, and a hash that prevents collisions. */
export function workspaceKey(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/[^A-Za-z0-9]/g, '-')
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 12)
  return `${name.slice(0, 40)}-${hash}`
}

/** Returns Claude Code's folder for the settings, login and transcripts of runs in a workspace. */
export function runConfig(home: string): string {
  return `${home}/.claude`
}
