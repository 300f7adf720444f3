import type { ImageName } from '../images/image-tags.ts'
import { type Check, ok, warning } from './diagnosis.ts'

export type ImageFacts = {
  missing: readonly ImageName[]
  /** When the base image was made, milliseconds since 1970; null when it is not there. */
  baseCreated: number | null
  /** Tags or ids of images of earlier builds. */
  stale: readonly string[]
  now: number
}

/** Debian publishes fixes every few days; a month of them is worth a rebuild. */
const oldDays = 30

export function judgeImages({ missing, baseCreated, stale, now }: ImageFacts): Check[] {
  const checks: Check[] = []
  if (missing.length > 0) {
    checks.push(
      warning(
        'images',
        `to be built: ${missing.join(', ')}`,
        './claude.ts setup builds them; start does too',
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
        `images of earlier builds are left: ${stale.length}`,
        './claude.ts doctor --fix removes them',
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
        `the base image is ${days} days old: fixes of Debian since then are missing`,
        'run ./claude.ts update',
      )
    : ok('image-age', `the base image is ${days} days old`)
}
