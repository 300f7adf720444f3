import { renameSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../base/errors.ts'
import { conversationsFolder, keptPlaceName } from '../run/conversations.ts'
import { workspaceKey } from '../run/run-home.ts'
import { sessionFile } from './claude/sessions.ts'
import { removeInBackground } from './temporary.ts'
import type { Places } from './workspace.ts'

/** The hash at the end of a home's name. */
const hash = /-[0-9a-f]{12}$/
const removed = 'removed-'
const dayMilliseconds = 86_400_000

export type OldHomesOptions = {
  places: Places
  /** Returns whether a run or a warm process has the home of this name. */
  isUsed: (key: string) => boolean
  now?: () => number
}

/**
 * Removes the homes of chats and users whose workspace the server has removed, so that names which a client makes
 * up do not fill the disk (threat M6). A home stays for a day at least, and while it is used; those of all other
 * workspaces stay for good.
 */
export async function removeOldHomes(options: OldHomesOptions): Promise<void> {
  const { places, isUsed, now = Date.now } = options
  const names = await namesIn(places.homes)
  const kept = names.filter(name => hash.test(name) && keptPlaceName.test(name.replace(hash, '')))
  const tokens = kept.length > 0 ? await namesIn(join(places.workspaces, conversationsFolder)) : []
  for (const key of kept) {
    const stats = await lstat(join(places.homes, key)).catch(() => null)
    const isOld = stats !== null && now() - stats.ctimeMs > dayMilliseconds
    if (!isOld || (await hasWorkspace(key))) continue
    // In one step, so that no run begins in between.
    if (!isUsed(key)) putAway(key)
  }
  for (const folder of [places.homes, places.temporary]) {
    const gone = (await namesIn(folder)).filter(name => name.startsWith(removed))
    await removeInBackground(gone.map(name => join(folder, name)))
  }

  async function hasWorkspace(key: string): Promise<boolean> {
    const paths = tokens.map(token =>
      join(places.workspaces, conversationsFolder, token, key.replace(hash, '')),
    )
    for (const path of paths.filter(path => workspaceKey(path) === key)) {
      if ((await lstat(path).catch(() => null)) !== null) return true
    }
    return false
  }

  /** Renames what is to be removed, so that a run which comes back has an empty home at once. */
  function putAway(key: string) {
    const { homes, temporary } = places
    for (const path of [join(homes, key), sessionFile(homes, key), join(temporary, key)]) {
      try {
        renameSync(path, join(dirname(path), `${removed}${process.hrtime.bigint()}`))
      } catch (error) {
        ignoreMissing(error)
      }
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    ignoreMissing(error)
    return []
  }
}

function ignoreMissing(error: unknown) {
  if (systemCode(error) !== 'ENOENT') throw error
}
