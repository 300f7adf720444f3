import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode, UserError } from '../base/errors.ts'
import { isWithin } from '../files/beneath.ts'
import { runHomes, workspaceKey } from '../run/run-home.ts'
import { temporaryFolder } from './temporary.ts'

/** A folder that prompts may work in, and the private folders of its runs. */
export type Workspace = {
  /** The real path. */
  path: string
  /** Name of its home folder: a readable part, and a hash that prevents collisions. */
  key: string
  home: string
  temporary: string
}

export type Places = { workspace: string; workspaces: string; homes: string; temporary: string }

export const defaultPlaces: Places = {
  workspace: '/workspace',
  workspaces: '/workspaces',
  homes: runHomes,
  temporary: temporaryFolder,
}

/** Failures of a path itself. Any other one is the runner's own. */
const reasons = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'it does not exist'],
  ['ELOOP', 'it does not exist'],
  ['ENAMETOOLONG', 'it does not exist'],
  ['EACCES', 'its folder cannot be read'],
])

/**
 * Finds `/workspace` itself, or `/workspaces` and each folder below it. One workspace can be in another: each
 * has a home of its own. Below `/workspaces` only a real path is accepted: the server has judged this
 * path for its token, and an agent may have replaced it with a symlink to another workspace since (threat H2).
 */
export async function findWorkspace(asked: string, places = defaultPlaces): Promise<Workspace> {
  const path = await realpath(asked).catch((cause: unknown) => {
    const reason = reasons.get(systemCode(cause) ?? '')
    throw reason === undefined ? cause : refused(asked, reason, cause)
  })
  if (path !== places.workspace && !isWithin(places.workspaces, path)) {
    throw refused(asked, `it is not ${places.workspace}, ${places.workspaces} or a folder in it`)
  }
  if (path !== asked && (isWithin(places.workspaces, path) || isWithin(places.workspaces, asked))) {
    throw refused(asked, 'it is not a real path: a part of it is a symlink, or . or ..')
  }
  const stats = await stat(path)
  if (!stats.isDirectory()) throw refused(asked, 'it is not a folder')
  const key = workspaceKey(path)
  return { path, key, home: join(places.homes, key), temporary: join(places.temporary, key) }
}

function refused(path: string, reason: string, cause?: unknown) {
  return new UserError(`cannot use ${path} as a workspace: ${reason}`, {
    hint: 'name an existing folder',
    cause,
  })
}
