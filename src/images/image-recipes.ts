import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Additions, writeContents } from './additions.ts'
import { nodeDockerfile } from './base-image.ts'
import type { ImageBuild } from './build-image.ts'
import type { ImageName, ImageSet, Target } from './image-tags.ts'
import { fetchPackage, type NpmNetwork, packageFolder, type Selection } from './npm-fetch.ts'
import { installTools, toolsFolder } from './npm-tools.ts'
import { type PinnedPackage, type Pins, parseArchitecture } from './pins.ts'
import {
  bundlePrograms,
  claudePrograms,
  gatewayPrograms,
  serverPrograms,
  writeBundle,
} from './program-bundle.ts'

const claudeFiles = { only: ['claude'] }
const nodeFiles = { only: ['bin/node'] }
const nodeHeaders = { without: ['bin', 'share'] }
const npmFiles = { without: ['docs', 'man'] }

/** The build of one image, without the options that all builds share. */
type Recipe = Omit<ImageBuild, 'tag' | 'secrets' | 'noCache' | 'label'>

export function createRecipes(options: {
  root: string
  pins: Pins
  target: Target
  tags: ImageSet
  additions: Additions | null
  cache: string
  scratch: string
  npm: NpmNetwork
  signal: AbortSignal
}): Record<Exclude<ImageName, 'base'>, () => Promise<Recipe>> {
  const { root, pins, target, tags, additions, scratch, signal } = options
  const architecture = parseArchitecture()
  const fetch = (pin: PinnedPackage, selection: Selection) =>
    fetchPackage(pin, {
      cache: join(options.cache, 'packages'),
      selection,
      network: options.npm,
      signal,
    })
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
      await writeBundle(await bundlePrograms(root, gatewayPrograms), context)
      const dockerfile = join(root, 'gateway/Dockerfile')
      return { context, dockerfile, args: { NODE: tags.node } }
    },
    async server() {
      const context = join(scratch, 'server')
      await writeBundle(await bundlePrograms(root, serverPrograms), context)
      const dockerfile = join(root, 'server/Dockerfile')
      return { context, dockerfile, args: { NODE: tags.node } }
    },
    async claude() {
      const programs = join(scratch, 'claude-programs')
      await writeBundle(await bundlePrograms(root, claudePrograms), programs)
      const [claude, npm, headers, tools] = await Promise.all([
        fetch(pins.claude[architecture], claudeFiles),
        fetch(pins.npm, npmFiles),
        target === 'full' ? fetch(pins.node[architecture], nodeHeaders) : null,
        target === 'full'
          ? installTools(root, {
              cache: join(options.cache, 'packages'),
              network: options.npm,
              signal,
            })
          : null,
      ])
      return {
        context: join(root, 'claude'),
        args: { NODE: tags.node, TOOLS: target === 'full' ? 'toolchains' : 'packages' },
        contexts: {
          'claude-code': claude,
          npm,
          programs,
          ...(headers !== null && { 'node-headers': headers }),
          ...(tools !== null && { 'npm-tools': tools }),
        },
      }
    },
    async custom() {
      const context = join(scratch, 'custom')
      const { name, context: files } = additions?.dockerfile ?? { name: '', context: [] }
      await writeContents(files, context)
      return {
        context,
        dockerfile: join(context, name),
        args: { CLAUDE: tags.claude },
        hint: 'correct your Dockerfile',
      }
    },
    async agent() {
      const scripts = join(scratch, 'init.d')
      await writeContents(additions?.scripts ?? [], scripts)
      return {
        context: join(root, 'additions'),
        args: {
          CLAUDE: tags.claude,
          MADE_OF: tags.custom,
          PACKAGES: additions?.packages.join(' ') ?? '',
        },
        contexts: { scripts },
        hint: 'correct your additions to the image (docs/images.md)',
      }
    },
  }
}

/** Returns the download folders of the pinned packages. */
export async function currentPackages(pins: Pins, root: string) {
  const architecture = parseArchitecture()
  return [
    await toolsFolder(root),
    packageFolder(pins.claude[architecture], claudeFiles),
    packageFolder(pins.node[architecture], nodeFiles),
    packageFolder(pins.node[architecture], nodeHeaders),
    packageFolder(pins.npm, npmFiles),
  ]
}
