import { dirname, join } from 'node:path'
import { customRoot } from './paths.ts'
import { parsePackages } from './setting-names.ts'

/** The user's additions to the agent's image, and their paths. */
export type ImageAdditions = {
  packages: readonly string[]
  /** Folder whose `*.sh` run while the image is built. It may be missing. */
  scripts: string
  dockerfile: string
  /** True when a setting names the Dockerfile, which must then exist. */
  named: boolean
  /** Paths beside the Dockerfile that are excluded from its build. */
  without: readonly string[]
}

const otherAdditions = [
  ...['always-skills', '.always-skills', 'bin', 'init.d', 'services', 'skills', 'ssh'],
]

export function imageAdditions(settings: {
  PACKAGES?: string | undefined
  CUSTOM_DIR?: string | undefined
  DOCKERFILE?: string | undefined
}): ImageAdditions {
  const folder = customRoot(settings)
  const dockerfile = settings.DOCKERFILE ?? join(folder, 'Dockerfile')
  return {
    packages: parsePackages(settings.PACKAGES ?? '') ?? [],
    scripts: join(folder, 'init.d'),
    dockerfile,
    named: settings.DOCKERFILE !== undefined,
    without: dirname(dockerfile) === folder ? ['.git', ...otherAdditions] : ['.git'],
  }
}
