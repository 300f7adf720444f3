import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type FileHandle, mkdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, UserError } from '../../base/errors.ts'
import { parseAllowlist } from '../../egress/allowlist.ts'
import { replaceFile } from '../../files/replace-file.ts'

/** Reads the lists in proxy/squid.conf. Throws when the file cannot be read or parsed. */
export function readAllowlist(root: string) {
  const path = squidConfPath(root)
  return parseAllowlist(readSquidConf(root), path)
}

export function squidConfPath(root: string): string {
  return join(root, 'proxy/squid.conf')
}

export function readSquidConf(root: string): string {
  const path = squidConfPath(root)
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UserError(`cannot read the allowlist ${path}`, {
      hint: 'run git checkout proxy/squid.conf to restore it',
      cause,
    })
  }
}

/** Returns the digest of a file, as `digest` in proxy/policy.sh computes it. */
export function policyDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Replaces the file atomically and keeps its mode and owner. The new file is written outside of proxy/,
 * because every file in proxy/ is an input of the image.
 */
export async function replaceSquidConf(root: string, text: string): Promise<void> {
  const path = squidConfPath(root)
  const scratch = join(root, '.build')
  try {
    const place = await realpath(path)
    const { mode, uid, gid } = await stat(place)
    await mkdir(scratch, { recursive: true })
    const write = async (file: FileHandle) => {
      await file.writeFile(text)
      if (process.getuid?.() === 0) await file.chown(uid, gid)
    }
    // The proxy's user must be able to read it.
    const temporary = join(scratch, `squid.conf.${randomUUID()}.tmp`)
    await replaceFile(place, write, { mode: mode & 0o777, durable: true, temporary })
  } catch (cause) {
    throw new UserError(`cannot write ${path}: ${messageOf(cause)}`, {
      hint: 'check the owner of proxy/squid.conf and its folder, and the free space',
      cause,
    })
  }
}
