import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { readRegularFile } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { parseServerGrants, renderServerGrants, type ServerGrant } from './server-grants.ts'

/** As in proxy/policy.sh. */
const largest = 64 * 1024

const lockPause = 50
const defaultPatience = 3_000

/** Returns the path of the grants in the folder that the proxy, the server and the host share. */
export function serverGrantsPath(folder: string): string {
  return join(folder, 'grants.list')
}

/** Reads the grants of a server. */
export async function readServerGrants(folder: string): Promise<ServerGrant[]> {
  const path = serverGrantsPath(folder)
  const file = await readRegularFile(path, { limit: largest })
  if (file.kind === 'missing') return []
  if (file.kind === 'bytes') return parseServerGrants(file.bytes.toString(), path)
  throw new UserError(
    `${terminalLine(path)} is ${file.kind === 'too-large' ? 'larger than 64 KiB' : 'not a regular file'}`,
    { hint: 'remove it; then grant the names again' },
  )
}

/**
 * Replaces the grants by what `change` makes of them, and returns the file's text. The host and the server edit one
 * file: the lock keeps an edit of one from undoing an edit of the other.
 */
export async function editServerGrants(
  folder: string,
  change: (grants: readonly ServerGrant[]) => readonly ServerGrant[],
  patience = defaultPatience,
): Promise<string> {
  const release = await lock(join(folder, 'grants.lock'), patience)
  try {
    const text = renderServerGrants(change(await readServerGrants(folder)))
    // The proxy, another user, must be able to read it.
    await replaceFile(serverGrantsPath(folder), text, { mode: 0o644, durable: true })
    return text
  } finally {
    await release()
  }
}

/**
 * Waits for the lock. A lock that stays belongs to a process that died, or to a server that was taken over, which must
 * not keep the host from ending a grant: after the wait, the edit goes on.
 */
async function lock(path: string, patience: number): Promise<() => Promise<void>> {
  const remove = () => rm(path, { force: true }).catch(() => {})
  for (let waited = 0; ; waited += lockPause) {
    try {
      await (await open(path, 'wx', 0o600)).close()
      return remove
    } catch (error) {
      // A folder that cannot be written fails at the edit, which says so.
      if (systemCode(error) !== 'EEXIST') return async () => {}
    }
    if (waited >= patience) return remove
    await sleep(lockPause)
  }
}
