import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { userEnvironment } from '../config/environment.ts'
import { imageAdditions } from '../config/image-additions.ts'
import { readParentProxy, withParentProxy } from '../config/parent-proxy.ts'
import { cacheRoot, checkoutRoot, stateRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { withScratchFolder } from '../files/scratch-folder.ts'
import { execOk } from '../process/exec.ts'
import { makeBaseImage } from './base-image.ts'
import { buildImage, type ImageBuild } from './build-image.ts'
import { writeBuildSecrets } from './build-network.ts'
import { createRecipes, currentPackages } from './image-recipes.ts'
import {
  buildTags,
  type ImageName,
  type ImageSet,
  imageNames,
  missingImages,
  ownImages,
  type Target,
  tagsWith,
} from './image-tags.ts'
import { npmNetwork, prunePackages } from './npm-fetch.ts'
import type { Pins } from './pins.ts'
import { checkoutLabel, pruneImages } from './prune.ts'

export type BuildOptions = {
  log: Log
  settings: Settings
  pins: Pins
  target: Target
  client: DockerClient
  noCache?: boolean
  /** Images to build, with their parents; all if omitted. */
  only?: readonly ImageName[]
  signal?: AbortSignal
  root?: string
  cache?: string
  state?: string
  /** The host's environment, for proxies and certificate authorities; the client's has neither. */
  network?: NodeJS.ProcessEnv
}

/** The parent of each image. */
const parent = {
  base: null,
  node: 'base',
  proxy: 'base',
  gateway: 'node',
  server: 'node',
  claude: 'node',
  custom: 'claude',
  agent: 'custom',
} as const

const otherOf = { minimal: 'full', full: 'minimal' } as const

/** Builds the missing images, independent ones in parallel. */
export async function buildImages(options: BuildOptions): Promise<ImageSet> {
  const { log, settings, pins, target, client, noCache = false } = options
  const { root = checkoutRoot(), cache = cacheRoot(), state = stateRoot() } = options
  const inputs = { root, pins, baseImage: settings.BASE_IMAGE, target }
  const parent = await readParentProxy(settings, options.network ?? {})
  const network = withParentProxy(options.network ?? {}, parent, settings)
  const npm = npmNetwork(options.network ?? userEnvironment(), parent, settings)
  // Read once: the build has the content that the tags name.
  const { tags, additions } = await buildTags(
    { ...inputs, additions: imageAdditions(settings) },
    cache,
  )
  const present = await listImages(client, options.signal)
  const missing = new Set<ImageName>(noCache ? ownImages(tags) : missingImages(present, tags))
  const wanted = withParents(options.only ?? imageNames).filter(name => missing.has(name))

  // A failed image stops the others: their time and messages would be wasted.
  const failure = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal
  await withScratchFolder(cache, 'build-', async scratch => {
    const secrets = await writeBuildSecrets(scratch, network, settings.EXTRA_CA_CERTS)
    const recipes = createRecipes({
      root,
      pins,
      target,
      tags,
      additions,
      cache,
      scratch,
      npm,
      signal,
    })
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
      const before = running.get(nearestParent(name, tags))
      const work = (async () => {
        // Downloads do not wait for the parent image.
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
        if (name === 'agent') await refuseVolumes(tags.custom, client, signal)
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
    // Keeps the other target, so that switching between targets needs no build.
    const other = await tagsWith(additions, { ...inputs, target: otherOf[target] })
    const keep = [...Object.values(tags), ...Object.values(other)]
    await pruneImages({ client, keep, root, cache, signal: options.signal })
    await prunePackages(join(cache, 'packages'), await currentPackages(pins, root))
  }
  return tags
}

/**
 * Returns the nearest parent with an image of its own: without additions an image is an alias of
 * its parent.
 */
function nearestParent(name: ImageName, tags: ImageSet): ImageName {
  const own = ownImages(tags)
  let before = parent[name]
  while (before && !own.includes(before)) before = parent[before]
  return before ?? name
}

function withParents(names: readonly ImageName[]): ImageName[] {
  const needed = new Set<ImageName>(names)
  for (const name of [...imageNames].reverse()) {
    const before = parent[name]
    if (needed.has(name) && before) needed.add(before)
  }
  return imageNames.filter(name => needed.has(name))
}

/** Refuses volumes: a volume would keep a copy of our files and hide those of later images. */
async function refuseVolumes(image: string, client: DockerClient, signal: AbortSignal) {
  const { stdout } = await execOk(
    client.file,
    [
      'image',
      'inspect',
      '--format',
      '{{range $path, $_ := .Config.Volumes}}{{$path}} {{end}}',
      image,
    ],
    { env: client.env, signal },
  )
  const volumes = terminalLine(stdout.trim())
  if (volumes === '') return
  throw new UserError(`your Dockerfile declares volumes: ${volumes}`, {
    hint: 'remove VOLUME from it, and use CLAUDE_MOUNT_… to give the agent folders of the host',
  })
}

/** Returns the builder that is the engine itself; it has the name of the docker context. */
export async function currentBuilder(client: DockerClient, signal: AbortSignal) {
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
