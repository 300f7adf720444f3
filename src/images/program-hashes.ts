import { createHash, hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../base/json.ts'
import { hashContext } from './content-hash.ts'
import {
  bundlePrograms,
  claudePrograms,
  gatewayPrograms,
  serverPrograms,
} from './program-bundle.ts'
import { isTagsFile } from './prune.ts'

/** What a tag takes in of the programs of an image. */
export const ProgramHashes = z.object({
  gateway: z.string(),
  server: z.string(),
  claude: z.string(),
})
export type ProgramHashes = z.infer<typeof ProgramHashes>

/** Beside the sources: a bundle depends on the packages and on how TypeScript is read. */
export const bundleSettings = ['package-lock.json', 'tsconfig.json']

/** `sources` is null when they changed while they were bundled. */
export type BundledSources = { sources: string | null; programs: ProgramHashes }

/**
 * Returns the hashes of the programs of a checkout. Those of equal sources are bundled once for all checkouts
 * of this user, whose tags are in `cache`: a copy, or one that went back a commit, needs no second bundle.
 */
export async function bundledSources(root: string, cache: string): Promise<BundledSources> {
  const sources = await hashSources(root)
  const known = await knownPrograms(cache, sources)
  return known ? { sources, programs: known } : bundleSources(root, sources)
}

/** Bundles the programs of a checkout, also if those of equal sources are remembered. */
export async function bundleSources(root: string, before?: string): Promise<BundledSources> {
  const sources = before ?? (await hashSources(root))
  const programs = await hashPrograms(root)
  // An edit meanwhile: these programs would be taken for those of other sources.
  return { sources: (await hashSources(root)) === sources ? sources : null, programs }
}

/** Bundles all programs, which takes seconds of processor time. */
export async function hashPrograms(root: string): Promise<ProgramHashes> {
  const [gateway, server, claude] = await Promise.all(
    [gatewayPrograms, serverPrograms, claudePrograms].map(async programs =>
      hash('sha256', JSON.stringify(await bundlePrograms(root, programs))),
    ),
  )
  return ProgramHashes.parse({ gateway, server, claude })
}

/** Returns a hash of all that the programs are bundled from. */
async function hashSources(root: string) {
  const sources = createHash('sha256').update(await hashContext(join(root, 'src')))
  for (const path of bundleSettings) sources.update(await hashFile(join(root, path)))
  return sources.digest('hex')
}

async function hashFile(path: string) {
  return hash('sha256', await readFile(path))
}

const Known = z.object({ sources: z.string(), programs: ProgramHashes })

async function knownPrograms(cache: string, sources: string) {
  const names = await readdir(cache).catch(() => [])
  for (const name of names.filter(isTagsFile)) {
    const text = await readFile(join(cache, name), 'utf8').catch(() => '')
    const known = Known.safeParse(parseJson(text)).data
    if (known?.sources === sources) return known.programs
  }
  return null
}
