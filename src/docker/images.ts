import { join } from 'node:path'
import { cacheRoot, checkoutRoot, stateRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import { type Log, step } from '../log.ts'
import { makeBaseImage } from './base-image.ts'
import { buildImage, type ImageBuild } from './build-image.ts'
import { writeBuildSecrets } from './build-secrets.ts'
import type { DockerClient } from './client.ts'
import { execOk } from './exec.ts'
import { checkoutLabel, pruneImages } from './image-prune.ts'
import { createRecipes, currentPackages } from './image-recipes.ts'
import {
  computeImageTags,
  type ImageName,
  type ImageSet,
  imageNames,
  missingImages,
  type Target,
} from './image-tags.ts'
import { prunePackages } from './npm-fetch.ts'
import type { Pins } from './pins.ts'
import { withScratchFolder } from './scratch-folder.ts'

export type BuildOptions = {
  log: Log
  settings: Settings
  pins: Pins
  target: Target
  client: DockerClient
  noCache?: boolean
  /** Build these and what they need; everything when left out. */
  only?: readonly ImageName[]
  signal?: AbortSignal
  root?: string
  cache?: string
  state?: string
  /** The host's, for proxies and certificate authorities; the client's holds neither. */
  network?: NodeJS.ProcessEnv
}

/** What each image is built on. */
const parent = { base: null, node: 'base', proxy: 'base', gateway: 'node', claude: 'node' } as const

const otherOf = { minimal: 'full', full: 'minimal' } as const

/** Builds what is missing, images that do not need each other at the same time. */
export async function buildImages(options: BuildOptions): Promise<ImageSet> {
  const { log, settings, pins, target, client, network = {}, noCache = false } = options
  const { root = checkoutRoot(), cache = cacheRoot(), state = stateRoot() } = options
  const inputs = { root, pins, baseImage: settings.BASE_IMAGE, target }
  const tags = await computeImageTags(inputs)
  const present = await listImages(client, options.signal)
  const missing = new Set<ImageName>(noCache ? imageNames : missingImages(present, tags))
  const wanted = withParents(options.only ?? imageNames).filter(name => missing.has(name))

  // When one image fails the others stop: their time and their messages would be wasted.
  const failure = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal
  await withScratchFolder(cache, 'build-', async scratch => {
    const secrets = await writeBuildSecrets(scratch, network, settings.EXTRA_CA_CERTS)
    const recipes = createRecipes({ root, pins, target, tags, cache, scratch, signal })
    const builder = await currentBuilder(client, signal)
    const label = checkoutLabel(root)
    type Build = Omit<ImageBuild, 'label'>
    const build = (name: ImageName) => (image: Build, progress: (text: string) => void) =>
      buildImage(
        { ...image, label },
        {
          client,
          builder,
          progress,
          signal,
          logFile: join(state, 'logs', `build-${name}.log`),
        },
      )
    const running = new Map<ImageName, Promise<void>>()
    for (const name of wanted) {
      const before = parent[name] && running.get(parent[name])
      const work = (async () => {
        // Downloads need no image to build on.
        const recipe = name === 'base' ? null : recipes[name]()
        await Promise.all([before, recipe])
        if (!recipe) {
          return makeBaseImage({
            tag: tags.base,
            pins,
            baseImage: settings.BASE_IMAGE,
            mirror: settings.DEBIAN_MIRROR,
            client,
            network,
            scratch,
            build: build('base'),
            label,
            log,
            signal,
          })
        }
        await step(log, `image ${name}`, async progress =>
          build(name)({ ...(await recipe), tag: tags[name], secrets, noCache }, progress),
        )
      })()
      work.catch(error => failure.abort(error))
      running.set(name, work)
    }
    const results = await Promise.allSettled(running.values())
    if (results.some(({ status }) => status === 'rejected')) {
      options.signal?.throwIfAborted()
      throw failure.signal.reason
    }
  })
  if (wanted.length > 0) {
    // Whoever goes back and forth between the targets need not build each time.
    const other = await computeImageTags({ ...inputs, target: otherOf[target] })
    const keep = [...Object.values(tags), ...Object.values(other)]
    await pruneImages({ client, keep, root, signal: options.signal })
    await prunePackages(join(cache, 'packages'), currentPackages(pins))
  }
  return tags
}

function withParents(names: readonly ImageName[]): ImageName[] {
  const needed = new Set<ImageName>(names)
  for (const name of [...imageNames].reverse()) {
    const before = parent[name]
    if (needed.has(name) && before) needed.add(before)
  }
  return imageNames.filter(name => needed.has(name))
}

/** Each docker context has a builder of its own name that is the engine itself. */
async function currentBuilder(client: DockerClient, signal: AbortSignal) {
  if (client.kind === 'podman') return ''
  const { stdout } = await execOk(client.file, ['context', 'show'], { env: client.env, signal })
  return stdout.trim()
}

async function listImages(client: DockerClient, signal?: AbortSignal) {
  const { stdout } = await execOk(
    client.file,
    ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'],
    { env: client.env, signal },
  )
  return [{ RepoTags: stdout.trim().split('\n') }]
}
