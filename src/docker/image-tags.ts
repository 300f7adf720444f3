import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { baseRecipe } from './base-image.ts'
import { hashContext, shortHash } from './content-hash.ts'
import { bundleGateway } from './gateway-bundle.ts'
import { nodeDockerfile } from './node-image.ts'
import { type Pins, parseArchitecture } from './pins.ts'

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
  const [proxy, claude, gatewayDockerfile, programs] = await Promise.all([
    // The policy is mounted, not built in: an edit of it needs no new image.
    hashContext(join(root, 'proxy'), ['squid.conf']),
    hashContext(join(root, 'claude')),
    readFile(join(root, 'gateway/Dockerfile'), 'utf8'),
    bundleGateway(root),
  ])
  const base = tag('base', [architecture, pins.debian, baseImage ?? null, baseRecipe])
  const node = tag('node', [base, pins.node[architecture], nodeDockerfile])
  return {
    base,
    node,
    proxy: tag('proxy', [base, proxy]),
    gateway: tag('gateway', [node, gatewayDockerfile, programs]),
    claude: tag('claude', [node, claude, pins.claude[architecture], pins.npm, target]),
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
