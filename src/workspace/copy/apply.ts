import { randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { UserError } from '../../errors.ts'
import { terminalLine } from '../../terminal-text.ts'
import type { Change } from './changes.ts'
import { sameEntry } from './entry.ts'
import { readHostEntry } from './read-host.ts'
import { safeRelativePath } from './relative-path.ts'

/** Paths that the host changed too since the copy was taken, in another way than the agent did. */
export async function findConflicts(root: string, changes: readonly Change[]): Promise<string[]> {
  const conflicts: string[] = []
  for (const { path, before, after } of changes) {
    const now = await readHostEntry(root, path)
    if (!sameEntry(now, before) && !sameEntry(now, after)) conflicts.push(path)
  }
  return conflicts
}

/**
 * Brings one change into the workspace. What was there before is kept below `backup`. No part of the
 * path may be a symbolic link, and a link may only point inside the workspace (threat H2).
 */
export async function applyChange(
  root: string,
  change: Change,
  content: Buffer | undefined,
  backup: string,
): Promise<void> {
  const path = safeRelativePath(change.path)
  if (path === null) throw refused(change.path, 'it leaves the workspace')
  await refuseLinkedFolders(root, path)
  await keep(root, path, backup)
  const full = join(root, path)
  if (change.kind === 'deleted') return rm(full, { force: true })

  await makeFolders(root, dirname(path))
  const owner = await lstat(dirname(full))
  const next = `${full}.${randomBytes(6).toString('hex')}.tmp`
  try {
    if (change.after?.type === 'link') {
      const { target } = change.after
      const resolved = posix.normalize(posix.join(dirname(path), target))
      if (posix.isAbsolute(target) || resolved === '..' || resolved.startsWith('../')) {
        throw refused(path, `it is a link to ${terminalLine(target)}, outside the workspace`)
      }
      await symlink(target, next)
    } else {
      if (!content)
        throw refused(path, 'it is larger than 64 MiB, or a second name of another file')
      // Only the executable bit is taken over: no setuid, nothing writable for others.
      const mode = change.after?.executable ? 0o755 : 0o644
      await writeFile(next, content, { flag: 'wx', mode })
      await chmod(next, mode)
      await chown(next, owner.uid, owner.gid)
    }
    await rename(next, full)
  } finally {
    await rm(next, { force: true })
  }
}

async function refuseLinkedFolders(root: string, path: string) {
  const parts = path.split('/').slice(0, -1)
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join('/')
    const status = await lstat(join(root, folder)).catch(() => null)
    if (status && !status.isDirectory())
      throw refused(path, `${terminalLine(folder)} is no folder here`)
  }
}

async function makeFolders(root: string, folder: string) {
  if (folder !== '.') await mkdir(join(root, folder), { recursive: true })
}

async function keep(root: string, path: string, backup: string) {
  const status = await lstat(join(root, path)).catch(() => null)
  if (status?.isDirectory()) throw refused(path, 'it is a folder here')
  if (!status?.isFile()) return
  await mkdir(dirname(join(backup, path)), { recursive: true, mode: 0o700 })
  await copyFile(join(root, path), join(backup, path))
}

function refused(path: string, reason: string) {
  return new UserError(`${terminalLine(path)} is not applied: ${reason}`, {
    hint: './claude.ts diff shows it; what is still wanted can be copied by hand',
  })
}
