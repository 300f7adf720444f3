import { userEnvironment } from '../config/environment.ts'
import { cacheRoot } from '../config/paths.ts'
import { type ImageSet, imageTags, missingImages } from '../docker/image-tags.ts'
import { readPins } from '../docker/pins.ts'
import { withLock } from '../stack/lock.ts'
import type { Context } from './context.ts'

const target = 'minimal'

/** Tags of the images this checkout stands for; builds those that are missing. */
export async function currentImages(context: Context): Promise<ImageSet> {
  const { log, settings, docker, engine, root, signal } = context
  const pins = await readPins(root)
  const inputs = { root, pins, baseImage: settings.BASE_IMAGE, target } as const
  const tags = await imageTags(inputs, cacheRoot())
  if (missingImages(await engine.images('claude-secure/*'), tags).length === 0) return tags
  const { buildImages } = await import('../docker/images.ts')
  return withLock('images', { log, signal }, () =>
    buildImages({
      log,
      settings,
      pins,
      target,
      client: docker,
      network: userEnvironment(),
      root,
      signal,
    }),
  )
}
