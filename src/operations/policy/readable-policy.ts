import { realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, UserError } from '../../base/errors.ts'
import { makeReadable } from '../../files/readable.ts'
import { squidConfPath } from './squid-conf.ts'

/**
 * Lets the proxy's user read proxy/squid.conf regardless of the umask that the file was written with. The file
 * is mounted with its folder, and neither is a secret.
 */
export async function makePolicyReadable(root: string): Promise<void> {
  const file = await realpath(squidConfPath(root))
  for (const path of [dirname(file), file]) {
    await makeReadable(path).catch((cause: unknown) => {
      throw new UserError(`the proxy's user cannot read ${path}: ${messageOf(cause)}`, {
        hint: `run chmod a+rX ${path} as its owner`,
        cause,
      })
    })
  }
}
