import { createHash } from 'node:crypto'
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, UserError } from '../../base/errors.ts'
import { squidConfPath } from './allowlist-file.ts'

/** As `digest` of proxy/policy.sh names a file. */
export function policyDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Puts a new file in the place of the old one, with its mode and owner: the proxies see one or the
 * other. It is written outside of proxy/, whose files are what the image is made of.
 */
export async function replaceSquidConf(root: string, text: string): Promise<void> {
  const path = squidConfPath(root)
  const scratch = join(root, '.build')
  const next = join(scratch, `squid.conf.${process.pid}.tmp`)
  try {
    const place = await realpath(path)
    const { mode, uid, gid } = await stat(place)
    await mkdir(scratch, { recursive: true })
    const file = await open(next, 'w', mode & 0o777)
    try {
      await file.writeFile(text)
      // The umask has had its say, and the proxy's user must be able to read it.
      await file.chmod(mode & 0o777)
      if (process.getuid?.() === 0) await file.chown(uid, gid)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, place)
  } catch (cause) {
    await rm(next, { force: true }).catch(() => {})
    throw new UserError(`cannot write ${path}: ${messageOf(cause)}`, {
      hint: 'check the owner of proxy/squid.conf and its folder, and the free space',
      cause,
    })
  }
}
