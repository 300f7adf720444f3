import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from '../state/state-folder.ts'

/** What of a workspace was looked at and allowed: the hash of its content by its name. */
const Consents = z.record(z.string(), z.array(z.string().regex(/^[0-9a-f]{64}$/)))

/** A yes counts for one content: what is changed later is asked about anew. */
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

/** Replaces an earlier yes to the same name: who goes back to an older content is asked again. */
export async function rememberConsent(
  state: Pick<StateFolder, 'path'>,
  name: string,
  content: string,
) {
  const consents = { ...(await readConsents(state)), [name]: [contentHash(content)] }
  await replaceFile(path(state), JSON.stringify(consents))
}

/** A file that cannot be read holds no yes. */
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
