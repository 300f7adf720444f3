import { rm } from 'node:fs/promises'
import { systemCode } from '../base/errors.ts'
import { exec } from './exec.ts'

/**
 * Removes a file or folder with all that is in it, also what an agent made to prevent that: closed folders, and
 * folders nested deeper than any path reaches, of which Node.js removes neither. Follows no symlink. `path` is
 * absolute.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'ENAMETOOLONG', 'EPERM'].includes(systemCode(error) ?? '')) throw error
    const closed = ['-type', 'd', '!', '-perm', '-u=rwx']
    // Fails for folders of other users, which `rm` then reports.
    await exec('find', [path, ...closed, '-execdir', 'chmod', 'u+rwx', '{}', ';'])
    const { code } = await exec('rm', ['-rf', '--', path])
    if (code !== 0) throw error
  }
}
