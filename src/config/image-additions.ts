import { dirname, join } from 'node:path'
import { parsePackages } from './package-names.ts'
import { customRoot } from './paths.ts'

/** What the user wants in the agent's image besides ours, and where it lies. */
export type ImageAdditions = {
  packages: readonly string[]
  /** Folder whose `*.sh` run while the image is built. It need not be there. */
  scripts: string
  dockerfile: string
  /** Whether a setting names the Dockerfile, so that it must be there. */
  named: boolean
  /** What beside the Dockerfile is none of its business. */
  without: readonly string[]
}

const otherAdditions = ['always-skills', '.always-skills', 'bin', 'init.d', 'skills', 'ssh']

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
