import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from '../state/state-folder.ts'

/** Approved items of a workspace: content hashes by name. */
const Consents = z.record(z.string(), z.array(z.string().regex(/^[0-9a-f]{64}$/)))

/** Approval covers one content: a later change needs a new approval. */
export function contentHash(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

export async function isConsented(
  state: Pick<StateFolder, 'path'>,
  name: string,
  content: string,
): Promise<boolean> {
  return (await readConsents(state))[name]?.includes(contentHash(content)) ?? false
}

/** Replaces the earlier approval of the same name: going back to older content needs a new approval. */
export async function rememberConsent(
  state: Pick<StateFolder, 'path'>,
  name: string,
  content: string,
) {
  const consents = { ...(await readConsents(state)), [name]: [contentHash(content)] }
  await replaceFile(path(state), JSON.stringify(consents))
}

/** Treats an unreadable file as holding no approvals. */
async function readConsents(state: Pick<StateFolder, 'path'>) {
  try {
    return Consents.parse(JSON.parse(await readFile(path(state), 'utf8')))
  } catch {
    return {}
  }
}

function path(state: Pick<StateFolder, 'path'>) {
  return join(state.path, 'consents.json')
}
