import { lstatSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { ImageAdditions } from '../config/image-additions.ts'
import { keepInCache } from '../files/replace-file.ts'
import { type Additions, hashContents, listAdditions, readAdditions } from './additions.ts'
import { baseRecipe, nodeDockerfile } from './base-image.ts'
import { contextFiles, fingerprint, hashContext, shortHash } from './content-hash.ts'
import { type Pins, parseArchitecture } from './pins.ts'
import {
  type BundledSources,
  bundledSources,
  bundleSettings,
  bundleSources,
  hashPrograms,
  type ProgramHashes,
} from './program-hashes.ts'
import { pruneCache } from './prune.ts'

export const imageNames = [
  'base',
  'node',
  'proxy',
  'gateway',
  'server',
  'claude',
  'custom',
  'agent',
] as const
export type ImageName = (typeof imageNames)[number]

/**
 * Tag of each image, such as `claude-secure/proxy:1f2e3d4c5b6a`, from all its inputs. `custom` is
 * `claude` with the user's Dockerfile, and `agent` the image that the agent runs in. Without
 * additions both are `claude`.
 */
export type ImageSet = Record<ImageName, string>

/** Mounted and not built in: an edit of the policy needs no new image. */
const policyFiles = ['squid.conf', 'grants.list']

export type Target = 'minimal' | 'full'

export type TagInputs = {
  root: string
  pins: Pins
  baseImage: string | undefined
  target: Target
  /** The user's additions; none if omitted. */
  additions?: ImageAdditions
}

/**
 * Computes the tags. A tag is a hash of the image's inputs, so an existing image is never out of
 * date.
 */
export async function computeImageTags(
  inputs: TagInputs,
  programs?: ProgramHashes,
): Promise<ImageSet> {
  const { additions } = inputs
  return tagsWith(additions ? await readAdditions(additions) : null, inputs, programs)
}

/** Computes the tags with additions that are already read, and programs that are already bundled. */
export async function tagsWith(
  additions: Additions | null,
  inputs: Omit<TagInputs, 'additions'>,
  bundled?: ProgramHashes,
): Promise<ImageSet> {
  const { root, pins, baseImage, target } = inputs
  const architecture = parseArchitecture()
  const [proxy, claudeFiles, agentFiles, gatewayDockerfile, serverDockerfile, programs] =
    await Promise.all([
      hashContext(join(root, 'proxy'), policyFiles),
      hashContext(join(root, 'claude')),
      hashContext(join(root, 'additions')),
      readFile(join(root, 'gateway/Dockerfile'), 'utf8'),
      readFile(join(root, 'server/Dockerfile'), 'utf8'),
      bundled ?? hashPrograms(root),
    ])
  const base = tag('base', [architecture, pins.debian, baseImage ?? null, baseRecipe])
  const node = tag('node', [base, pins.node[architecture], nodeDockerfile])
  const claude = tag('claude', [
    node,
    claudeFiles,
    programs.claude,
    pins.claude[architecture],
    pins.npm,
    target,
  ])
  const custom = additions?.dockerfile
    ? tag('custom', [claude, additions.dockerfile.name, hashContents(additions.dockerfile.context)])
    : claude
  const agent = additions
    ? tag('agent', [custom, agentFiles, additions.packages, hashContents(additions.scripts)])
    : claude
  return {
    base,
    node,
    proxy: tag('proxy', [base, proxy]),
    gateway: tag('gateway', [node, gatewayDockerfile, programs.gateway]),
    server: tag('server', [node, serverDockerfile, programs.server]),
    claude,
    custom,
    agent,
  }
}

/** Returns a fingerprint of the inputs of the tags, from file metadata. */
function inputsFingerprint({ root, ...rest }: TagInputs) {
  const added = rest.additions && listAdditions(rest.additions)
  const files = ['gateway/Dockerfile', 'server/Dockerfile', ...bundleSettings].map(path => ({
    path,
    stats: lstatSync(join(root, path)),
  }))
  return shortHash([
    rest,
    process.version,
    fingerprint([
      ...contextFiles(join(root, 'proxy'), policyFiles),
      ...contextFiles(join(root, 'claude')),
      ...contextFiles(join(root, 'additions')),
      ...contextFiles(join(root, 'src')),
      ...files,
      ...(added?.scripts ?? []),
      ...(added?.context ?? []),
    ]),
  ])
}

const Remembered = z.object({
  fingerprint: z.string(),
  tags: z.object({
    base: z.string(),
    node: z.string(),
    proxy: z.string(),
    gateway: z.string(),
    server: z.string(),
    claude: z.string(),
    custom: z.string(),
    agent: z.string(),
  }),
})

/**
 * Returns the remembered tags while no file of the checkout has changed; otherwise computes them.
 */
export async function imageTags(inputs: TagInputs, cache: string): Promise<ImageSet> {
  const [now, text] = await Promise.all([
    inputsFingerprint(inputs),
    readFile(tagsFile(inputs, cache), 'utf8').catch(() => ''),
  ])
  const remembered = parseRemembered(text)
  if (remembered?.fingerprint === now) return remembered.tags
  const bundled = await bundledSources(inputs.root, cache)
  const tags = await computeImageTags(inputs, bundled.programs)
  await remember(inputs, cache, { fingerprint: now, tags, ...bundled })
  return tags
}

/**
 * Computes the tags for a build, with the additions that they name. They are remembered in place of others:
 * the images of this build would be looked for under names that they do not have.
 */
export async function buildTags(
  inputs: TagInputs & { additions: ImageAdditions },
  cache: string,
): Promise<{ tags: ImageSet; additions: Additions | null }> {
  const now = inputsFingerprint(inputs)
  const additions = await readAdditions(inputs.additions)
  const bundled = await bundleSources(inputs.root)
  const tags = await tagsWith(additions, inputs, bundled.programs)
  await remember(inputs, cache, { fingerprint: now, tags, ...bundled })
  return { tags, additions }
}

type Kept = BundledSources & { fingerprint: string; tags: ImageSet }

async function remember(inputs: TagInputs, cache: string, kept: Kept) {
  // Prunes here, because a deleted checkout cannot remove its own file.
  await pruneCache(cache)
  // A file that changed meanwhile is in the tags but not in the fingerprint; the next call notices it.
  await keepInCache(tagsFile(inputs, cache), JSON.stringify({ root: inputs.root, ...kept }))
}

function tagsFile({ root, target }: TagInputs, cache: string) {
  return join(cache, `tags-${shortHash([root, target])}.json`)
}

function parseRemembered(text: string) {
  try {
    return Remembered.parse(JSON.parse(text))
  } catch {
    return null
  }
}

function tag(name: ImageName, parts: readonly unknown[]) {
  return `claude-secure/${name}:${shortHash(parts)}`
}

/** Returns the images to build, in build order. */
export function missingImages(
  present: readonly { RepoTags?: readonly string[] | null }[],
  tags: ImageSet,
): ImageName[] {
  const have = new Set(present.flatMap(({ RepoTags }) => RepoTags ?? []).map(withoutRegistry))
  return ownImages(tags).filter(name => !have.has(tags[name]))
}

/** Returns the images that are not an alias of an earlier one. */
export function ownImages(tags: ImageSet): ImageName[] {
  const all = imageNames.map(name => tags[name])
  return imageNames.filter((name, index) => all.indexOf(tags[name]) === index)
}

/** Podman prefixes local images with localhost/. */
function withoutRegistry(tag: string) {
  return tag.replace(/^localhost\//, '')
}
