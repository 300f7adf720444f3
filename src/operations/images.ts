import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { imageAdditions } from '../config/image-additions.ts'
import { cacheRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { type ImageSet, imageTags, missingImages, type Target } from '../images/image-tags.ts'
import { type Pins, readPins } from '../images/pins.ts'
import { withLock } from '../stack/state/lock.ts'

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
  const { buildImages } = await import('../images/images.ts')
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
  const { buildImages } = await import('../images/images.ts')
  const { changedPins, withClaudeVersion, writePins } = await import('../images/pins.ts')
  const pinned = await readPins(root)
  const pins = claudeVersion ? await withClaudeVersion(pinned, claudeVersion, { signal }) : pinned
  const images = await withLock('images', { log, signal }, () =>
    buildImages({ log, settings, pins, target, client, network: env, root, noCache, signal }),
  )
  if (changedPins(pinned, pins).length > 0) await writePins(root, pins)
  return images
}

/** Returns the id of our newest image of this name, for work that any version can do. */
export async function newestImage(engine: Engine, name: 'claude' | 'gateway'): Promise<string> {
  const images = await engine.images(`claude-secure/${name}`)
  const [newest] = images.toSorted((a, b) => b.Created - a.Created)
  if (newest) return newest.Id
  throw new UserError(`cannot read volumes: the image claude-secure/${name} is missing`, {
    hint: `run ${command('setup')} to build it`,
  })
}
