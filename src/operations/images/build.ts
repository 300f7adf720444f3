import type { Log } from '../../base/log.ts'
import type { Settings } from '../../config/settings.ts'
import type { DockerClient } from '../../engine/client-find.ts'
import type { ImageSet, Target } from '../../images/image-tags.ts'
import { buildImages } from '../../images/images.ts'
import { readPins } from '../../images/pins.ts'
import { changedPins, withClaudeVersion, writePins } from '../../images/pins-update.ts'
import { withLock } from '../../stack/state/lock.ts'

export type RunBuildOptions = {
  log: Log
  settings: Settings
  client: DockerClient
  root: string
  env: NodeJS.ProcessEnv
  target: Target
  noCache: boolean
  /** Pins this version, so that `start` uses the new images. */
  claudeVersion?: string
  signal: AbortSignal
}

/** Builds the missing images; with `noCache`, rebuilds all of them. */
export async function runBuild(options: RunBuildOptions): Promise<ImageSet> {
  const { log, settings, client, root, env, target, noCache, claudeVersion, signal } = options
  const pinned = await readPins(root)
  const pins = claudeVersion ? await withClaudeVersion(pinned, claudeVersion, { signal }) : pinned
  const images = await withLock('images', { log, signal }, () =>
    buildImages({ log, settings, pins, target, client, network: env, root, noCache, signal }),
  )
  if (changedPins(pinned, pins).length > 0) await writePins(root, pins)
  return images
}
