import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheRoot, checkoutRoot, stateRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import { UserError } from '../errors.ts'
import { type Log, step } from '../log.ts'
import { caBundleCandidates, caSecretPath, readTransferConfiguration } from './apt-configuration.ts'
import { makeBaseImage } from './base-image.ts'
import { buildImage, type ImageBuild } from './build-image.ts'
import type { DockerClient } from './client.ts'
import type { Engine } from './engine.ts'
import { execOk } from './exec.ts'
import { bundleGateway, writeBundle } from './gateway-bundle.ts'
import { checkoutLabel, pruneImages } from './image-prune.ts'
import {
  computeImageTags,
  type ImageName,
  type ImageSet,
  imageNames,
  imageTags,
  missingImages,
  type Target,
} from './image-tags.ts'
import { nodeDockerfile } from './node-image.ts'
import { fetchPackage, packageFolder, prunePackages, type Selection } from './npm-fetch.ts'
import { type PinnedPackage, type Pins, parseArchitecture } from './pins.ts'

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

const claudeFiles = { only: ['claude'] }
const nodeFiles = { only: ['bin/node'] }
const npmFiles = { without: ['docs', 'man'] }

/** Builds what is missing, images that do not need each other at the same time. */
export async function buildImages(options: BuildOptions): Promise<ImageSet> {
  const { log, settings, pins, target, client, network = {}, noCache = false } = options
  const { root = checkoutRoot(), cache = cacheRoot(), state = stateRoot() } = options
  refuseFull(target)
  const tags = await computeImageTags({ root, pins, baseImage: settings.BASE_IMAGE, target })
  const present = await listImages(client, options.signal)
  const missing = new Set<ImageName>(noCache ? imageNames : missingImages(present, tags))
  const wanted = withParents(options.only ?? imageNames).filter(name => missing.has(name))

  // When one image fails the others stop: their time and their messages would be wasted.
  const failure = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failure.signal]) : failure.signal
  await mkdir(cache, { recursive: true, mode: 0o700 })
  const scratch = await mkdtemp(join(cache, 'build-'))
  try {
    const secrets = await writeSecrets(scratch, network, settings.EXTRA_CA_CERTS)
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
        recipe?.catch(() => {})
        await before
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
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  if (wanted.length > 0) {
    await pruneImages({ client, keep: Object.values(tags), root, signal: options.signal })
    await prunePackages(join(cache, 'packages'), currentPackages(pins))
  }
  return tags
}

/**
 * The images that this checkout stands for, built where they are missing. Costs a few milliseconds
 * when they are all there.
 */
export async function ensureImages(options: BuildOptions & { engine: Engine }): Promise<ImageSet> {
  const { engine, settings, pins, target, root = checkoutRoot(), cache = cacheRoot() } = options
  refuseFull(target)
  const inputs = { root, pins, baseImage: settings.BASE_IMAGE, target }
  const [tags, present] = await Promise.all([
    imageTags(inputs, cache),
    engine.images('claude-secure/*'),
  ])
  return missingImages(present, tags).length === 0 ? tags : buildImages(options)
}

function refuseFull(target: Target) {
  if (target === 'full') {
    throw new UserError('the image target full does not exist yet', {
      hint: 'use --target minimal, which is the default',
    })
  }
}

function withParents(names: readonly ImageName[]): ImageName[] {
  const needed = new Set<ImageName>(names)
  for (const name of [...imageNames].reverse()) {
    const before = parent[name]
    if (needed.has(name) && before) needed.add(before)
  }
  return imageNames.filter(name => needed.has(name))
}

type Recipe = Omit<ImageBuild, 'tag' | 'secrets' | 'noCache' | 'label'>

function createRecipes(options: {
  root: string
  pins: Pins
  target: Target
  tags: ImageSet
  cache: string
  scratch: string
  signal: AbortSignal
}): Record<Exclude<ImageName, 'base'>, () => Promise<Recipe>> {
  const { root, pins, target, tags, scratch, signal } = options
  const architecture = parseArchitecture()
  const fetch = (pin: PinnedPackage, selection: Selection) =>
    fetchPackage(pin, { cache: join(options.cache, 'packages'), selection, signal })
  return {
    async node() {
      const context = join(scratch, 'node')
      await mkdir(context)
      await writeFile(join(context, 'Dockerfile'), nodeDockerfile)
      const node = await fetch(pins.node[architecture], nodeFiles)
      return { context, args: { BASE: tags.base }, contexts: { node } }
    },
    async proxy() {
      return { context: join(root, 'proxy'), args: { BASE: tags.base } }
    },
    async gateway() {
      const context = join(scratch, 'gateway')
      await writeBundle(await bundleGateway(root), context)
      const dockerfile = join(root, 'gateway/Dockerfile')
      return { context, dockerfile, args: { NODE: tags.node } }
    },
    async claude() {
      const [claude, npm] = await Promise.all([
        fetch(pins.claude[architecture], claudeFiles),
        fetch(pins.npm, npmFiles),
      ])
      return {
        context: join(root, 'claude'),
        target,
        args: { NODE: tags.node },
        contexts: { 'claude-code': claude, npm },
      }
    },
  }
}

function currentPackages(pins: Pins) {
  const architecture = parseArchitecture()
  return [
    packageFolder(pins.claude[architecture], claudeFiles),
    packageFolder(pins.node[architecture], nodeFiles),
    packageFolder(pins.npm, npmFiles),
  ]
}

async function writeSecrets(
  scratch: string,
  env: NodeJS.ProcessEnv,
  extra: string | undefined,
): Promise<Record<string, string>> {
  const paths = [...new Set([...caBundleCandidates(env), ...(extra ? [extra] : [])])]
  const bundles = await Promise.all(paths.map(path => readFile(path, 'utf8').catch(() => '')))
  const authorities = join(scratch, 'ca-certificates.pem')
  await writeFile(authorities, bundles.join('\n'))
  const configuration = join(scratch, 'apt.conf')
  await writeFile(configuration, await readTransferConfiguration(env, caSecretPath))
  return { 'apt-conf': configuration, 'ca-certificates': authorities }
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
