import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { stateRoot } from '../config/paths.ts'
import { type CredentialFile, unusedSecret } from './credential.ts'
import { readCredential, writeCredential } from './state/credential-file.ts'
import { type StateFolder, stateFolder } from './state/state-folder.ts'

/**
 * Removes all that a start writes into the state folder and that may hold a secret of `.env`, of the
 * environment or of the user's files: each start writes it again. Only for a stack without containers.
 */
export async function forgetSecrets(folder: StateFolder): Promise<void> {
  const names = await readdir(folder.path).catch((): string[] => [])
  const keys = names.filter(name => name.startsWith('ssh-')).map(name => join(folder.path, name))
  const mcpServers = join(folder.path, 'mcp.json')
  // The environment of the agent and of services stands in the stack's file.
  for (const path of [folder.parent, folder.authorities, folder.override, mcpServers, ...keys]) {
    await rm(path, { recursive: true, force: true })
  }
  await forgetCredential(folder)
}

/**
 * Removes the secret from the gateway's file. Keeps the placeholders, which conversations continue with.
 */
export async function forgetCredential(folder: StateFolder): Promise<void> {
  const status = await lstat(folder.credential).catch(() => null)
  if (!status?.isFile()) return
  const credential = await readCredential(folder)
  if (credential && !hasSecret(credential)) return
  // A file that cannot be parsed may hold a secret all the same.
  if (!credential) return rm(folder.credential, { force: true })
  const { kind, placeholder, meterKey, callers } = credential
  const kept = { kind, placeholder, meterKey, callers }
  await writeCredential(folder, { ...kept, secret: unusedSecret }, status)
}

function hasSecret({ secret, git }: CredentialFile): boolean {
  return secret !== unusedSecret || git !== undefined
}

/** Returns the stacks whose gateway's file holds a secret, whether they have containers or not. */
export async function stacksWithSecrets(root = stateRoot()): Promise<string[]> {
  const names = await readdir(join(root, 'stacks')).catch((): string[] => [])
  const found = await Promise.all(
    names.map(async name => {
      const credential = await readCredential(stateFolder(name, root))
      return credential !== null && hasSecret(credential) ? [name] : []
    }),
  )
  return found.flat()
}
