import { createHash } from 'node:crypto'

/** Below it, in the worker, each workspace has a home of its own. */
export const runHomes = '/home/claude/workspaces'

/** Tells the home of a workspace from others': a readable part and a hash, so that no two names meet. */
export function workspaceKey(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/[^A-Za-z0-9]/g, '-')
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 12)
  return `${name.slice(0, 40)}-${hash}`
}

/** Where Claude Code keeps settings, login and transcripts of runs in a workspace. */
export function runConfig(home: string): string {
  return `${home}/.claude`
}
