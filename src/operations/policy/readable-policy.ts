import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isMissing, messageOf, UserError } from '../../base/errors.ts'
import { makeReadable } from '../../files/readable.ts'
import type { StateFolder } from '../../stack/state/state-folder.ts'
import { checkoutGrantsPath, folderGrantsPath } from './policy-files.ts'
import { squidConfPath } from './squid-conf.ts'

/**
 * Lets the proxy's user read proxy/squid.conf and the grants files regardless of the umask that they were written
 * with. They are mounted with their folders, and none is a secret.
 */
export async function makePolicyReadable(
  root: string,
  state: Pick<StateFolder, 'policy'>,
): Promise<void> {
  const file = await realpath(squidConfPath(root))
  const grants = [checkoutGrantsPath(root), folderGrantsPath(state)]
  for (const path of [dirname(file), file, ...grants]) {
    await makeReadable(path).catch((cause: unknown) => {
      if (grants.includes(path) && isMissing(cause)) return
      throw new UserError(`the proxy's user cannot read ${path}: ${messageOf(cause)}`, {
        hint: `run chmod a+rX ${path} as its owner`,
        cause,
      })
    })
  }
}
