import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { baseRecipe } from './base-image.ts'
import { keepInCache } from './cache-file.ts'
import { pruneCache } from './cache-prune.ts'
import { contextFiles, fingerprint, hashContext, shortHash } from './content-hash.ts'
import { nodeDockerfile } from './node-image.ts'
import { type Pins, parseArchitecture } from './pins.ts'
import { bundlePrograms, claudePrograms, gatewayPrograms } from './program-bundle.ts'

export const imageNames = ['base', 'node', 'proxy', 'gateway', 'claude'] as const
export type ImageName = (typeof imageNames)[number]

/** Tag of each image, such as `claude-secure/proxy:1f2e3d4c5b6a`, from all that goes into it. */
export type ImageSet = Record<ImageName, string>

export type Target = 'minimal' | 'full'

export type TagInputs = { root: string; pins: Pins; baseImage: string | undefined; target: Target }

/** Each tag names its inputs, so an image that exists under its tag is never out of date. */
export async function computeImageTags(inputs: TagInputs): Promise<ImageSet> {
  const { root, pins, baseImage, target } = inputs
  const architecture = parseArchitecture()
  const [proxy, claude, gatewayDockerfile, gateway, runner] = await Promise.all([
    // The policy is mounted, not built in: an edit of it needs no new image.
    hashContext(join(root, 'proxy'), ['squid.conf']),
    hashContext(join(root, 'claude')),
    readFile(join(root, 'gateway/Dockerfile'), 'utf8'),
    bundlePrograms(root, gatewayPrograms),
    bundlePrograms(root, claudePrograms),
  ])
  const base = tag('base', [architecture, pins.debian, baseImage ?? null, baseRecipe])
  const node = tag('node', [base, pins.node[architecture], nodeDockerfile])
  return {
    base,
    node,
    proxy: tag('proxy', [base, proxy]),
    gateway: tag('gateway', [node, gatewayDockerfile, gateway]),
    claude: tag('claude', [node, claude, runner, pins.claude[architecture], pins.npm, target]),
  }
}

/** What the tags are computed from, as it looks from outside. */
async function inputsFingerprint({ root, ...rest }: TagInputs) {
  const [proxy, claude, source, files] = await Promise.all([
    contextFiles(join(root, 'proxy'), ['squid.conf']),
    contextFiles(join(root, 'claude')),
    contextFiles(join(root, 'src')),
    Promise.all(
      ['gateway/Dockerfile', 'package-lock.json', 'tsconfig.json'].map(async path => ({
        path,
        stats: await lstat(join(root, path)),
      })),
    ),
  ])
  return shortHash([rest, process.version, fingerprint([...proxy, ...claude, ...source, ...files])])
}

const Remembered = z.object({
  fingerprint: z.string(),
  tags: z.object({
    base: z.string(),
    node: z.string(),
    proxy: z.string(),
    gateway: z.string(),
    claude: z.string(),
  }),
})

/** `computeImageTags`, remembered for as long as no file of the checkout has changed. */
export async function imageTags(inputs: TagInputs, cache: string): Promise<ImageSet> {
  const path = join(cache, `tags-${shortHash([inputs.root, inputs.target])}.json`)
  const [now, text] = await Promise.all([
    inputsFingerprint(inputs),
    readFile(path, 'utf8').catch(() => ''),
  ])
  const remembered = parseRemembered(text)
  if (remembered?.fingerprint === now) return remembered.tags
  const tags = await computeImageTags(inputs)
  // Here, because a checkout that is gone cannot say so itself.
  await pruneCache(cache)
  // A file that changed meanwhile is in the tags but not in `now`, and is noticed the next time.
  await keepInCache(path, JSON.stringify({ root: inputs.root, fingerprint: now, tags }))
  return tags
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

/** The images that must still be built, in an order in which they can be. */
export function missingImages(
  present: readonly { RepoTags?: readonly string[] | null }[],
  tags: ImageSet,
): ImageName[] {
  const have = new Set(present.flatMap(({ RepoTags }) => RepoTags ?? []).map(withoutRegistry))
  return imageNames.filter(name => !have.has(tags[name]))
}

/** Podman calls its own images localhost/…. */
function withoutRegistry(tag: string) {
  return tag.replace(/^localhost\//, '')
}
