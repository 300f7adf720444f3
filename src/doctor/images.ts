import { command } from '../base/command.ts'
import type { Settings } from '../config/settings.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import type { ImageName } from '../images/image-tags.ts'
import { type Pins, readPins } from '../images/pins.ts'
import { staleImages } from '../images/prune.ts'
import { findMissingImages } from '../operations/images.ts'
import { attempt, type Check, failed, ok, warning } from './diagnosis.ts'

/** The checks of the images, and the tag of the image claude where it is built. */
export type Images = { checks: Check[]; pins: Pins | null; claude: string | null }

export type ImageFacts = {
  missing: readonly ImageName[]
  /** Creation time of the base image in milliseconds since 1970; null when it is missing. */
  baseCreated: number | null
  /** Tags or ids of images from earlier builds. */
  stale: readonly string[]
  now: number
}

/** Debian publishes fixes every few days; a month of fixes is worth a rebuild. */
const oldDays = 30

export function judgeImages({ missing, baseCreated, stale, now }: ImageFacts): Check[] {
  const checks: Check[] = []
  if (missing.length > 0) {
    checks.push(
      warning(
        'images',
        `missing images: ${missing.join(', ')}`,
        `run ${command('setup')} to build them`,
        { kind: 'build-images' },
      ),
    )
  } else {
    checks.push(ok('images', 'all images are built'))
  }
  if (baseCreated !== null) checks.push(judgeAge(Math.floor((now - baseCreated) / 86_400_000)))
  if (stale.length > 0) {
    checks.push(
      warning(
        'old-images',
        `images left from earlier builds: ${stale.length}`,
        `run ${command('doctor --fix')} to remove them`,
        { kind: 'remove-images', names: stale },
      ),
    )
  }
  return checks
}

function judgeAge(days: number): Check {
  return days > oldDays
    ? warning(
        'image-age',
        `the base image is ${days} days old and lacks Debian's fixes since then`,
        `run ${command('update')}`,
      )
    : ok('image-age', `the base image is ${days} days old`)
}

/** Checks the images of this checkout. */
export async function inspectImages(
  { engine, client }: { engine: Engine | null; client: DockerClient | null },
  settings: Settings | null,
  root: string,
): Promise<Images> {
  const pins = await attempt(() => readPins(root))
  if (!pins.value) return { checks: [failed('images', pins.error)], pins: null, claude: null }
  if (!engine || !settings) {
    const hint = engine ? 'fix the settings first' : 'start the engine first'
    const checks = [warning('images', 'cannot check images without engine and settings', hint)]
    return { checks, pins: pins.value, claude: null }
  }
  const known = pins.value
  const result = await attempt(async () => {
    const { tags, missing } = await findMissingImages({ root, settings, engine, pins: known })
    const present = await engine.images('claude-secure/*')
    const base = present.find(({ RepoTags }) => RepoTags?.some(tag => tag.endsWith(tags.base)))
    const keep = Object.values(tags)
    // While an image is missing, those of the previous build may still run.
    const stale = client && missing.length === 0 ? await staleImages({ client, keep, root }) : []
    const baseCreated = base ? base.Created * 1000 : null
    return {
      checks: judgeImages({ missing, baseCreated, stale, now: Date.now() }),
      claude: missing.includes('claude') ? null : tags.claude,
    }
  })
  return result.value
    ? { ...result.value, pins: known }
    : { checks: [failed('images', result.error)], pins: known, claude: null }
}
