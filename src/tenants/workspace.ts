import { realpath, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { terminalLine } from '../base/terminal-text.ts'
import { conversationsFolder } from '../run/conversations.ts'
import { HttpError } from './http-error.ts'
import type { Caller } from './tokens.ts'

/** The tenant's files in its worker, and in the answers of the API. */
export const workerRoot = '/workspaces'

/**
 * Returns the path below the tenant's root that a request names, without `.` and `..`; empty for the root.
 * Throws when it leaves the root: judged by its parts, as `/workspaces-evil` begins like `/workspaces`
 * (threat M2).
 */
export function relativePath(words: string): string {
  if (words.includes('\0')) throw notFound(words)
  const path = posix.normalize(`./${words.replace(/^\/+/, '')}`).replace(/\/+$/, '')
  if (path === '..' || path.startsWith('../'))
    throw new HttpError(400, 'path outside root workspace')
  return path === '.' ? '' : path
}

/** Returns whether a token may use a path below its tenant's root. */
export function mayUse({ token }: Caller, path: string): boolean {
  const [first, second] = path.split('/')
  if (first === conversationsFolder) return second === token.name
  if (!token.workspaces) return true
  return token.workspaces.includes(path.split('/')[0] ?? '')
}

/** Returns whether a token may know of a run in this workspace, an absolute path in the worker. */
export function maySee(caller: Caller, workspace: string): boolean {
  return mayUse(caller, workspace.slice(workerRoot.length + 1))
}

/** Returns the path that a request without one means: the root, or the only workspace of the token. */
export function defaultPath({ token }: Caller): string {
  const [only, ...others] = token.workspaces ?? ['']
  if (only !== undefined && others.length === 0) return only
  throw new HttpError(400, `workspace required: one of ${token.workspaces?.join(', ')}`)
}

/**
 * Finds the workspace of a request: an absolute path in the worker. Throws for a folder that does not exist;
 * one that the token may not use does not exist for it. Never creates a folder.
 */
export async function findWorkspace(
  words: string | undefined,
  caller: Caller,
  workspacesFolder: string,
): Promise<string> {
  const path =
    words === undefined ? defaultPath(caller) : relativePath(words) || defaultPath(caller)
  if (!mayUse(caller, path)) throw notFound(words ?? path)
  const root = join(workspacesFolder, caller.tenant.name)
  // A symlink leads elsewhere in the worker than here: the worker has another root.
  const real = await realpath(root).catch(() => null)
  const folder = real === null ? null : join(real, path)
  const found = folder !== null && (await realpath(folder).catch(() => null)) === folder
  if (!found || !(await stat(folder)).isDirectory()) throw notFound(words ?? path)
  return path === '' ? workerRoot : `${workerRoot}/${path}`
}

function notFound(words: string) {
  return new HttpError(400, `workspace not found: ${terminalLine(words, 200)}`)
}
