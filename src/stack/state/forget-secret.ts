import { lstat, rm } from 'node:fs/promises'
import { unusedSecret } from '../credential.ts'
import { readCredential, type StateFolder, writeCredential } from './state-folder.ts'

/**
 * Removes the secret from the file of a stopped stack's gateway, so that a token of the environment does
 * not stay on disk. Keeps the placeholder, which conversations continue with; each start writes the file
 * again.
 */
export async function forgetSecret(folder: StateFolder): Promise<void> {
  const status = await lstat(folder.credential).catch(() => null)
  if (!status?.isFile()) return
  const credential = await readCredential(folder)
  if (credential?.secret === unusedSecret) return
  // A file that cannot be parsed may hold a secret all the same.
  if (!credential) return rm(folder.credential, { force: true })
  const { kind, placeholder } = credential
  await writeCredential(folder, { kind, secret: unusedSecret, placeholder }, status)
}
