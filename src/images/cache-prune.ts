import { access, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'

const dayMilliseconds = 24 * 60 * 60_000

const Root = z.object({ root: z.string() })

/**
 * What in the folder of downloads nobody asks for again: tags remembered for checkouts that are gone,
 * and what a killed command left there a day ago or more.
 */
export async function staleCacheFiles(cache: string, now = Date.now()): Promise<string[]> {
  const names = await readdir(cache).catch(() => [])
  const stale = await Promise.all(
    names.map(async name => {
      const path = join(cache, name)
      if (/^tags-[0-9a-f]+\.json$/.test(name)) return (await isOfLostCheckout(path)) ? path : null
      if (!/\.tmp$|^(build|fetch)-/.test(name)) return null
      const changed = (await stat(path).catch(() => null))?.mtimeMs ?? now
      return now - changed > dayMilliseconds ? path : null
    }),
  )
  return stale.filter(path => path !== null)
}

export async function pruneCache(cache: string): Promise<void> {
  for (const path of await staleCacheFiles(cache)) await rm(path, { recursive: true, force: true })
}

/** A file that does not say of which checkout it is was written by an older release. */
async function isOfLostCheckout(path: string) {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return false
  const { success, data } = Root.safeParse(json(text))
  if (!success) return true
  return access(data.root).then(
    () => false,
    () => true,
  )
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
