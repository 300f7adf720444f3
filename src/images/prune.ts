import { access, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { systemCode } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { cacheRoot } from '../config/paths.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec, execOk } from '../process/exec.ts'

const labelName = 'claude-secure.checkout'

/**
 * Returns the label with an image's checkout: two checkouts on one machine must not remove each
 * other's images.
 */
export function checkoutLabel(root: string): string {
  return `${labelName}=${Buffer.from(root).toString('base64url')}`
}

const Inspected = z.array(
  z.object({
    Id: z.string(),
    RepoTags: z.array(z.string()),
    Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  }),
)

type PruneOptions = {
  client: DockerClient
  keep: readonly string[]
  root: string
  /** Default: the user's download cache. */
  cache?: string
  signal?: AbortSignal
}

/**
 * Removes images of this checkout's earlier builds, and those of deleted checkouts. The engine
 * refuses to remove images that a container uses.
 */
export async function pruneImages(options: PruneOptions): Promise<void> {
  const { client, signal } = options
  for (const name of await staleImages(options)) {
    await exec(client.file, ['image', 'rm', name], { env: client.env, signal })
  }
}

/** Returns the tags of these images, or the ids of untagged ones; none that another checkout uses. */
export async function staleImages({
  keep: ours,
  root,
  cache = cacheRoot(),
  ...options
}: PruneOptions): Promise<string[]> {
  const keep = [...ours, ...(await tagsOfOtherCheckouts(cache, root))]
  const stale: string[] = []
  for (const { checkout, names } of await labelledImages(options)) {
    if (checkout !== root && (await exists(checkout))) continue
    stale.push(...names.filter(name => !keep.includes(name.replace(/^localhost\//, ''))))
  }
  return stale
}

/** Returns the tags of one checkout's images, or the ids of untagged ones. */
export async function checkoutImages({
  root,
  ...options
}: Omit<PruneOptions, 'keep' | 'cache'>): Promise<string[]> {
  const images = await labelledImages(options)
  return images.filter(({ checkout }) => checkout === root).flatMap(({ names }) => names)
}

async function labelledImages({ client, signal }: Pick<PruneOptions, 'client' | 'signal'>) {
  const call = { env: client.env, signal }
  const { stdout: ids } = await execOk(
    client.file,
    ['image', 'ls', '--quiet', '--filter', `label=${labelName}`],
    call,
  )
  const unique = [...new Set(ids.split('\n').filter(id => id !== ''))]
  if (unique.length === 0) return []
  // Fails if another process removed an image meanwhile; the next build prunes again.
  const { code, stdout } = await exec(client.file, ['image', 'inspect', ...unique], call)
  if (code !== 0) return []
  return Inspected.parse(JSON.parse(stdout)).map(({ Id, RepoTags, Config }) => ({
    checkout: Buffer.from(Config.Labels?.[labelName] ?? '', 'base64url').toString(),
    // A rebuild under the same tag, as with --no-cache, leaves the old image untagged.
    names:
      RepoTags.length === 0
        ? [Id]
        : RepoTags.filter(tag => tag.replace(/^localhost\//, '').startsWith('claude-secure/')),
  }))
}

/**
 * Returns whether a checkout is still there. One that we may not look at, in the home of another user, counts
 * as there: its images are not ours to remove.
 */
function exists(path: string) {
  return access(path).then(
    () => true,
    error => !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? ''),
  )
}

const dayMilliseconds = 24 * 60 * 60_000

/** Whether a file of the download cache has the tags of a checkout. */
export function isTagsFile(name: string): boolean {
  return /^tags-[0-9a-f]+\.json$/.test(name)
}

const Root = z.object({ root: z.string() })
const TagsFile = z.object({ root: z.string(), tags: z.record(z.string(), z.string()) })

/**
 * Returns the tags that this user's other checkouts use, from the download cache. Checkouts with equal files
 * share images, which carry the label of the one that built them: its next build must not remove them.
 */
export async function tagsOfOtherCheckouts(cache: string, root: string): Promise<string[]> {
  const names = await readdir(cache).catch(() => [])
  const files = await Promise.all(
    names.filter(isTagsFile).map(name => readFile(join(cache, name), 'utf8').catch(() => '')),
  )
  const read = files.flatMap(text => TagsFile.safeParse(parseJson(text)).data ?? [])
  const others = await Promise.all(
    read.map(async file => file.root !== root && (await exists(file.root)) && file),
  )
  return others.flatMap(file => (file ? Object.values(file.tags) : []))
}

/**
 * Returns unused files of the download cache: tags of deleted checkouts, and files that a killed
 * command left at least a day ago.
 */
export async function staleCacheFiles(cache: string, now = Date.now()): Promise<string[]> {
  const names = await readdir(cache).catch(() => [])
  const stale = await Promise.all(
    names.map(async name => {
      const path = join(cache, name)
      if (isTagsFile(name)) return (await isOfLostCheckout(path)) ? path : null
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

/** Returns true also for a file that names no checkout: an older release wrote it. */
async function isOfLostCheckout(path: string) {
  const text = await readFile(path, 'utf8').catch(() => null)
  if (text === null) return false
  const { success, data } = Root.safeParse(parseJson(text))
  if (!success) return true
  return !(await exists(data.root))
}
