import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { keepInCache } from '../files/replace-file.ts'
import { type FoundClient, findClient, pluginFolders } from './find-client.ts'

const Remembered = z.strictObject({
  file: z.string(),
  stamp: z.string(),
  compose: z.string().nullable(),
  composeFile: z.string().optional(),
  buildx: z.string().nullable(),
  /** Time of the last check, in milliseconds since 1970. */
  asked: z.number(),
})

const lifetime = 24 * 60 * 60_000

/**
 * Caches `findClient` for a day, as long as the program and its plugins are unchanged: asking two plugins
 * for their versions takes 100 ms, which would slow down every `start`.
 */
export async function rememberedClient(
  env: Record<string, string>,
  cache: string,
  now: number = Date.now(),
): Promise<FoundClient | null> {
  const path = join(cache, 'client.json')
  const known = await read(path)
  if (known && now - known.asked < lifetime && known.stamp === (await stampOf(known.file, env))) {
    return known
  }
  const client = await findClient(env)
  if (client?.compose && client.buildx) {
    const stamp = await stampOf(client.file, env)
    await keepInCache(path, JSON.stringify({ ...client, stamp, asked: now }))
  }
  return client
}

async function read(path: string) {
  try {
    return Remembered.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return null
  }
}

async function stampOf(file: string, env: Record<string, string>) {
  const plugins = pluginFolders(env).flatMap(folder => [
    join(folder, 'docker-compose'),
    join(folder, 'docker-buildx'),
  ])
  const stamps = await Promise.all([file, ...plugins].map(fileStamp))
  return stamps.join(' ')
}

async function fileStamp(file: string) {
  const status = await stat(file).catch(() => null)
  return status ? [status.ino, status.size, status.mtimeMs].join() : '-'
}
