import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { isAtLeast, parseVersion } from '../engine/find-engine.ts'
import { exec } from '../process/exec.ts'

export const PinnedPackage = z.strictObject({
  name: z.string().regex(/^(@[a-z0-9-]+\/)?[a-z0-9-]+$/),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'must be a released version'),
  integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]{86}==$/, 'must be sha512-…'),
})
export type PinnedPackage = z.infer<typeof PinnedPackage>

export type ViewOptions = {
  /**
   * Days that a version must have been public. The registry names version, hash and time alike: this
   * helps against a package that was taken over, which is noticed within days, and not against the
   * registry.
   */
  minimumAgeDays?: number
  now?: () => Date
  npm?: string
  signal?: AbortSignal | undefined
}

const Viewed = z.object({ version: z.string(), 'dist.integrity': z.string() })
const Published = z.object({
  time: z.record(z.string(), z.string()),
  versions: z.union([z.array(z.string()), z.string().transform(version => [version])]),
})

/** Returns the newest release in a range or under a tag, or `pin` where no newer one is old enough. */
export async function viewPackage(
  pin: PinnedPackage,
  range: string,
  options: ViewOptions = {},
): Promise<PinnedPackage> {
  const newest = await viewVersion(pin, range, options)
  const { minimumAgeDays = 0, now = () => new Date() } = options
  if (minimumAgeDays === 0 || newest.version === pin.version) return newest
  const text = await npmView(pin.name, ['time', 'versions'], options)
  const published = Published.safeParse(parseJson(text))
  if (!published.success) {
    throw new UserError(`the npm registry does not say when ${pin.name} was published`, {
      hint: 'set UPDATE_MIN_AGE_DAYS=0 in .env, or use a registry that keeps publish times',
    })
  }
  const until = now().getTime() - minimumAgeDays * 86_400_000
  const between = { above: pin.version, upTo: newest.version }
  const version = newestUntil(published.data, until, between)
  if (version === null) return pin
  return version === newest.version ? newest : viewVersion(pin, version, options)
}

/**
 * Returns the newest release that was public at `until` (milliseconds), above one version and up to
 * another; null without one. A withdrawn version keeps its time.
 */
export function newestUntil(
  { time, versions }: z.infer<typeof Published>,
  until: number,
  { above, upTo }: { above: string; upTo: string },
): string | null {
  const low = parseVersion(above)
  const high = parseVersion(upTo)
  if (!low || !high) return null
  let best: string | null = null
  for (const name of versions) {
    const version = /^\d+\.\d+\.\d+$/.test(name) && parseVersion(name)
    // A missing or unreadable time is NaN, which is not old enough.
    if (!version || !(Date.parse(time[name] ?? '') <= until)) continue
    if (isAtLeast(low, version) || !isAtLeast(high, version)) continue
    const found = best && parseVersion(best)
    if (!found || isAtLeast(version, found)) best = name
  }
  return best
}

async function viewVersion(
  pin: PinnedPackage,
  range: string,
  options: ViewOptions,
): Promise<PinnedPackage> {
  const spec = `${pin.name}@${range}`
  const newest = parseView(await npmView(spec, ['version', 'dist.integrity'], options))
  if (!newest) throw missing(spec, '')
  return { name: pin.name, version: newest.version, integrity: newest['dist.integrity'] }
}

async function npmView(spec: string, fields: readonly string[], options: ViewOptions) {
  // cwd is /, so that an .npmrc of the workspace has no effect.
  const args = ['view', spec, ...fields, '--json', '--loglevel=error']
  const { npm = 'npm', signal } = options
  const result = await exec(npm, args, { cwd: '/', signal })
  if (result.code === 0) return result.stdout
  throw missing(spec, result.stderr.replaceAll('npm error ', '').trim().split('\n')[0] ?? '')
}

function missing(spec: string, reason: string) {
  return new UserError(`the npm registry has no ${spec}${reason && `: ${terminalLine(reason)}`}`, {
    hint: 'run npm ping, and check registry, proxy and cafile in your npm configuration',
  })
}

/**
 * Parses the output of npm view: one object for a tag or a version, an unordered list for a range.
 */
export function parseView(text: string): z.infer<typeof Viewed> | null {
  const parsed = z.union([Viewed, z.array(Viewed)]).safeParse(parseJson(text))
  if (!parsed.success) return null
  const list = [parsed.data].flat()
  return list.reduce<z.infer<typeof Viewed> | null>((newest, item) => {
    const version = parseVersion(item.version)
    if (!version || item.version.includes('-')) return newest
    const best = newest && parseVersion(newest.version)
    return best && isAtLeast(best, version) ? newest : item
  }, null)
}
