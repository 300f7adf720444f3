import { lstat, open, readFile, rm } from 'node:fs/promises'
import * as z from 'zod'
import { DayBudget, TenantName } from '../../config/tenants.ts'
import type { CredentialFile } from '../credential.ts'
import { cannotWrite, type StateFolder } from './state-folder.ts'

const StoredCaller = z.strictObject({
  tenant: TenantName,
  placeholder: z.string(),
  meterKey: z.string(),
  budget: DayBudget,
})

const StoredCredential = z.strictObject({
  kind: z.enum(['api-key', 'oauth-token', 'bearer', 'aws-key', 'google-key']),
  secret: z.string(),
  placeholder: z.string(),
  accessKeyId: z.string().optional(),
  sessionToken: z.string().optional(),
  clientEmail: z.string().optional(),
  meterKey: z.string().optional(),
  callers: z.array(StoredCaller).optional(),
  git: z
    .strictObject({
      repositories: z.array(
        z.strictObject({ host: z.string(), path: z.string(), push: z.boolean() }),
      ),
      tokens: z.array(z.strictObject({ host: z.string(), user: z.string(), token: z.string() })),
    })
    .optional(),
})

/** Returns the present file, or null when there is none; a damaged file counts as missing and is rewritten. */
export async function readCredential(folder: StateFolder): Promise<CredentialFile | null> {
  const text = await readFile(folder.credential, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return StoredCredential.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/**
 * Writes the gateway's file so that `reader` alone can read it (0400; root gives it away, any other
 * user is the reader itself). In place: a running gateway has this very file mounted.
 */
export async function writeCredential(
  folder: StateFolder,
  credential: CredentialFile,
  reader: { uid: number; gid: number },
) {
  // Docker makes a folder where a mounted file is missing; clear one that was left by such a start.
  const existing = await lstat(folder.credential).catch(() => null)
  if (existing && !existing.isFile()) await rm(folder.credential, { recursive: true })
  if (existing?.isFile() && process.getuid?.() !== 0) await makeWritable(folder.credential)
  const file = await open(folder.credential, existing?.isFile() ? 'r+' : 'wx', 0o600)
  try {
    const text = JSON.stringify(credential)
    // writeFile writes everything or throws: a plain write stops silently when the disk is full.
    await file.writeFile(text)
    await file.truncate(Buffer.byteLength(text))
    await file.chmod(0o400)
    if (process.getuid?.() === 0) await file.chown(reader.uid, reader.gid)
  } catch (error) {
    // Remove a partial file; keep one that existed, since a running gateway has it mounted.
    if (!existing?.isFile()) await rm(folder.credential, { force: true })
    throw cannotWrite(folder.credential, error)
  } finally {
    await file.close()
  }
}

async function makeWritable(path: string) {
  const file = await open(path, 'r')
  try {
    await file.chmod(0o600)
  } finally {
    await file.close()
  }
}
