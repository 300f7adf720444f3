import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../../base/json.ts'
import { type Preset, unknownSource } from './preset.ts'

const IndexConfiguration = z.object({ dl: z.string(), api: z.string().nullish() })

/**
 * Returns the registries that the user's cargo has used: each folder is named after the index's host
 * and holds the index's configuration, which names the download host.
 */
export const cratesSites: Preset = async ({ env }) => {
  const folder = join(env.CARGO_HOME || join(homedir(), '.cargo'), 'registry/index')
  const names = await readdir(folder).catch(() => [])
  const urls = (
    await Promise.all(
      names.map(async name => {
        const text = await readFile(join(folder, name, 'config.json'), 'utf8').catch(() => '')
        return registryUrls(name, text)
      }),
    )
  ).flat()
  if (urls.length === 0) {
    throw unknownSource(
      'crates',
      'cargo has not used a registry on this machine yet',
      'run cargo fetch once in one of your projects',
    )
  }
  return { urls, notes: [] }
}

/** Returns the URLs from a folder's name, `host-0123456789abcdef`, and the index's config.json. */
export function registryUrls(folder: string, configuration: string): string[] {
  const host = /^(.+)-[0-9a-f]{16}$/.exec(folder)?.[1]
  if (!host?.includes('.')) return []
  const parsed = IndexConfiguration.safeParse(parseJson(configuration))
  const downloads = parsed.data?.dl
  return [`https://${host}`, ...(downloads && URL.canParse(downloads) ? [downloads] : [])]
}
