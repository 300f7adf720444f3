import { constants } from 'node:fs'
import { mkdir, open, rmdir, unlink } from 'node:fs/promises'
import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { openParentFolder } from '../../files/beneath.ts'
import type { SystemPath } from '../../files/byte-names.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import type { Placeholder } from './overlay.ts'

export type MadePlaceholder = { path: string; placeholder: Placeholder }

/**
 * Creates missing paths as the owner of the workspace: the engine would create them as root. Follows no
 * symlink on the way, even one that appears meanwhile (threat H2).
 */
export async function makePlaceholders(
  workspace: string,
  wanted: readonly MadePlaceholder[],
  owner: { uid: number; gid: number },
) {
  for (const { path, placeholder } of wanted) {
    const failed = (reason: string, cause?: unknown) =>
      new UserError(`cannot create the placeholder ${terminalLine(path)}: ${reason}`, {
        hint: 'check the free space and the owner of the folder, or set PROTECT= in .env',
        ...(cause !== undefined && { cause }),
      })
    const place = await openParentFolder(workspace, path).catch(error => {
      throw failed(systemCode(error) ?? 'a symlink or file is in place of its folder', error)
    })
    if (!place) throw failed('its folder disappeared')
    try {
      await make(place.folder.at(place.name), placeholder, owner)
    } catch (error) {
      throw failed(systemCode(error) ?? 'unknown reason', error)
    } finally {
      await place.folder.close()
    }
  }
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

async function make(
  path: SystemPath,
  placeholder: Placeholder,
  owner: { uid: number; gid: number },
) {
  if (placeholder.kind === 'folder') await mkdir(path, { mode: 0o755 })
  const flags = placeholder.kind === 'folder' ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_CREAT | O_EXCL
  const made = await open(path, flags | O_NOFOLLOW, 0o644)
  try {
    if (placeholder.kind === 'file') await made.write(placeholder.content)
    if (process.getuid?.() === 0) await made.chown(owner.uid, owner.gid)
  } finally {
    await made.close()
  }
}

/**
 * Removes unchanged placeholders: a folder only when it is empty, a file only when its content is
 * unchanged. Keeps everything that was added there. Returns those to try again later, because the agent
 * closed a folder on the way (`chmod 000`).
 */
export async function removePlaceholders(
  workspace: string,
  made: readonly MadePlaceholder[],
): Promise<MadePlaceholder[]> {
  const left: MadePlaceholder[] = []
  for (const entry of [...made].reverse()) {
    const { path, placeholder } = entry
    try {
      const place = await openParentFolder(workspace, path)
      if (!place) continue
      const at = place.folder.at(place.name)
      try {
        if (placeholder.kind === 'folder') await rmdir(at)
        else if (await isUnchanged(at, placeholder.content)) await unlink(at)
      } finally {
        await place.folder.close()
      }
    } catch (error) {
      if (systemCode(error) === 'EACCES') left.unshift(entry)
    }
  }
  return left
}

async function isUnchanged(path: SystemPath, content: string) {
  const limit = Buffer.byteLength(content)
  const file = await readRegularFile(path, { limit }).catch(() => null)
  return file !== null && textOf(file) === content
}
