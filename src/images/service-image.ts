import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { withScratchFolder } from '../files/scratch-folder.ts'
import { type Content, hashContents, readFolder, writeContents } from './additions.ts'
import { buildImage } from './build-image.ts'
import { writeBuildSecrets } from './build-network.ts'
import { shortHash } from './content-hash.ts'
import { currentBuilder } from './images.ts'
import { checkoutLabel } from './prune.ts'

/** The image of a service beside the agent: a local one, or files with a Dockerfile. */
export type ServiceSource = { kind: 'local'; id: string } | { kind: 'build'; files: Content[] }

/** Removes setuid bits, which no service needs; a file with them is a finding of the audit. */
const sealed = `ARG MADE
FROM \${MADE}
USER 0:0
RUN find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
USER 10001:10001
`

/** Reads the build folder of a service; refuses one without a Dockerfile. */
export async function readServiceBuild(folder: string): Promise<ServiceSource> {
  const files = await readFolder(folder)
  if (files.some(({ path }) => path === 'Dockerfile')) return { kind: 'build', files }
  throw new UserError(`${terminalLine(folder)} has no Dockerfile`, {
    hint: 'create one that begins with two lines: ARG BASE, and FROM $' + '{BASE}',
  })
}

/** Returns the tag of a service's image: a hash of its inputs. */
export function serviceTag(name: string, source: ServiceSource, base: string): string {
  const made = source.kind === 'local' ? source.id : [base, hashContents(source.files)]
  return `claude-secure/service-${name}:${shortHash([made, sealed])}`
}

export type ServiceBuild = { name: string; tag: string; source: ServiceSource }

/** Builds the images of services, one after the other. */
export async function buildServiceImages(
  builds: readonly ServiceBuild[],
  options: {
    base: string
    client: DockerClient
    network: NodeJS.ProcessEnv
    authorities: string | undefined
    root: string
    cache: string
    state: string
    log: Log
    signal: AbortSignal
  },
): Promise<void> {
  const { base, client, network, authorities, root, cache, state, log, signal } = options
  const builder = await currentBuilder(client, signal)
  const label = checkoutLabel(root)
  await withScratchFolder(cache, 'build-', async scratch => {
    const secrets = await writeBuildSecrets(scratch, network, authorities)
    for (const { name, tag, source } of builds) {
      await step(log, `image ${name}`, async progress => {
        const logFile = join(state, 'logs', `build-service-${name}.log`)
        const how = { client, builder, logFile, progress, signal }
        const made = source.kind === 'local' ? source.id : `${tag}-made`
        if (source.kind === 'build') {
          const context = join(scratch, name)
          await writeContents(source.files, context)
          const hint = `correct services/${name}.yaml or its Dockerfile`
          await buildImage({ tag: made, context, args: { BASE: base }, secrets, label, hint }, how)
        }
        const context = join(scratch, `${name}-sealed`)
        await mkdir(context)
        await writeFile(join(context, 'Dockerfile'), sealed)
        const hint = `use an image with sh, find and cat for services/${name}.yaml`
        await buildImage({ tag, context, args: { MADE: made }, secrets: {}, label, hint }, how)
      })
    }
  })
}
