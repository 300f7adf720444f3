import type { Log } from '../../base/log.ts'
import { imageAdditions } from '../../config/image-additions.ts'
import { cacheRoot } from '../../config/paths.ts'
import type { Settings } from '../../config/settings.ts'
import type { DockerClient } from '../../engine/client-find.ts'
import type { Engine } from '../../engine/engine.ts'
import { type ImageSet, imageTags, missingImages } from '../../images/image-tags.ts'
import { type Pins, readPins } from '../../images/pins.ts'
import { withLock } from '../../stack/state/lock.ts'

export type EnsureImagesOptions = {
  root: string
  settings: Settings
  engine: Engine
  client: DockerClient
  /** The user's environment: proxies and certificate authorities for downloads. */
  network: NodeJS.ProcessEnv
  log: Log
  signal: AbortSignal
}

/** Returns the tags of this checkout's images; builds the missing ones. */
export async function ensureImages(options: EnsureImagesOptions): Promise<ImageSet> {
  const { root, settings, client, network, log, signal } = options
  const pins = await readPins(root)
  const { tags, missing } = await findMissingImages({ ...options, pins })
  if (missing.length === 0) return tags
  // The build's code is loaded only when there is something to build.
  const { buildImages } = await import('../../images/images.ts')
  return withLock('images', { log, signal }, () =>
    buildImages({
      log,
      settings,
      pins,
      target: settings.IMAGE_TARGET,
      client,
      network,
      root,
      signal,
    }),
  )
}

export async function findMissingImages(options: {
  root: string
  settings: Settings
  engine: Engine
  pins: Pins
}) {
  const { root, settings, engine, pins } = options
  const inputs = {
    root,
    pins,
    baseImage: settings.BASE_IMAGE,
    target: settings.IMAGE_TARGET,
    additions: imageAdditions(settings),
  }
  const [tags, present] = await Promise.all([
    imageTags(inputs, cacheRoot()),
    engine.images('claude-secure/*'),
  ])
  return { tags, missing: missingImages(present, tags) }
}
