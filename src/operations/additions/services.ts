import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { imageAdditions } from '../../config/image-additions.ts'
import { cacheRoot, stateRoot } from '../../config/paths.ts'
import { secretSettings } from '../../config/secret-settings.ts'
import { parseServiceNames } from '../../config/setting-names.ts'
import { hashContents } from '../../images/additions.ts'
import { imageTags } from '../../images/image-tags.ts'
import { readPins } from '../../images/pins.ts'
import type { ServiceBuild, ServiceSource } from '../../images/service-image.ts'
import type { AddedService } from '../../stack/additions/added-service.ts'
import { isConsented, rememberConsent } from '../../stack/additions/consent.ts'
import { type FoundService, readServices } from '../../stack/additions/services-folder.ts'
import { makeStateFolder, type StateFolder } from '../../stack/state/state-folder.ts'
import type { Context } from '../context.ts'

/** A service with the source of its image. */
type SourcedService = FoundService & { source: ServiceSource }

/** Services of the user's additions. Approval covers exactly `content`: files and images. */
export type FoundServices = { services: SourcedService[]; content: string }

const consentName = 'services'

/** Reads the selected services, and the files or the ids of their images. */
export async function findServices(
  { engine, settings }: Pick<Context, 'engine' | 'settings'>,
  additions: string | null,
): Promise<FoundServices | null> {
  const wanted = parseServiceNames(settings.SERVICES)
  if (additions === null || wanted === 'none') return null
  const found = await readServices(additions, wanted)
  if (found.length === 0) return null
  for (const service of found) refuseSecrets(service, settings)
  const { readServiceBuild } = await import('../../images/service-image.ts')
  const services = await Promise.all(
    found.map(async (service): Promise<SourcedService> => {
      const { build, image = '' } = service.definition
      const source =
        build === undefined
          ? ({ kind: 'local', id: await localImage(engine, service.name, image) } as const)
          : await readServiceBuild(join(additions, 'services', build))
      return { ...service, source }
    }),
  )
  const content = services.map(({ name, text, source }) => [
    name,
    text,
    source.kind === 'local' ? source.id : hashContents(source.files),
  ])
  return { services, content: JSON.stringify(content) }
}

/** A service is as little trusted as the agent: neither gets the real credential. */
function refuseSecrets({ name, text }: FoundService, settings: Context['settings']) {
  const secrets = secretSettings.flatMap(setting => settings[setting] ?? [])
  if (!secrets.some(secret => text.includes(secret))) return
  throw new UserError(`services/${name}.yaml contains the credential of .env`, {
    hint: 'remove it: the gateway adds the credential to each request',
  })
}

/** Returns the id of an image on this engine; nothing is pulled. */
async function localImage(engine: Context['engine'], service: string, reference: string) {
  const tagged = /[:@][^/]*$/.test(reference) ? reference : `${reference}:latest`
  const [image] = await engine.images(tagged)
  if (image) return image.Id
  throw new UserError(`services/${service}.yaml: the image ${reference} is not on this engine`, {
    hint: `pull or build it yourself: docker pull ${reference}; or use build: FOLDER`,
  })
}

/**
 * Returns the services once a person has approved them, now or earlier: each runs beside the agent, and a
 * changed file or image is another service. Throws without a terminal, because a stack without its database
 * would be a different one.
 */
export async function consentedServices(
  { log, confirm, canAsk }: Pick<Context, 'log' | 'confirm' | 'canAsk'>,
  found: FoundServices | null,
  state: StateFolder,
): Promise<SourcedService[]> {
  if (!found) return []
  if (await isConsented(state, consentName, found.content)) return found.services
  const names = found.services.map(({ name }) => name).join(', ')
  if (!canAsk) {
    throw new UserError(`you have not approved these services in this folder: ${names}`, {
      hint: `run ${command('config --accept')} to review and approve them, or set SERVICES=none in .env`,
    })
  }
  log({ kind: 'info', text: 'your custom folder has services to run beside the agent:' })
  for (const service of found.services) {
    for (const text of describeService(service)) log({ kind: 'info', text: `  ${text}` })
  }
  if (await confirm('Run them in the stack of this folder?')) {
    await acceptServices(state, found)
    return found.services
  }
  log({ kind: 'warn', text: `these services are not used: ${names}` })
  return []
}

export async function acceptServices(state: StateFolder, { content }: FoundServices) {
  await makeStateFolder(state)
  await rememberConsent(state, consentName, content)
}

/** Describes a service for approval: image, user, ports and data, then each exception with its reason. */
export function describeService({ name, definition }: FoundService): string[] {
  const { image, build, user, expose, volumes, exceptions } = definition
  const made = image === undefined ? `built from services/${build}` : `image ${image}`
  const data = volumes.length > 0 ? `, data at ${volumes.join(' ')}` : ''
  return [
    `${name}: ${made}, user ${user}, ports ${expose.join(' ')}${data}`,
    ...Object.entries(exceptions).map(
      ([exception, reason]) => `${name} is less hardened: ${exception} (${reason})`,
    ),
  ].map(line => terminalLine(line, 500))
}

/** Returns the services with the tags of their images, and the builds that make these. */
export async function tagServices(
  { root, settings }: Pick<Context, 'root' | 'settings'>,
  services: readonly SourcedService[],
): Promise<{ added: AddedService[]; builds: ServiceBuild[] }> {
  if (services.length === 0) return { added: [], builds: [] }
  const { serviceTag } = await import('../../images/service-image.ts')
  const inputs = {
    root,
    pins: await readPins(root),
    baseImage: settings.BASE_IMAGE,
    target: settings.IMAGE_TARGET,
    additions: imageAdditions(settings),
  }
  const { base } = await imageTags(inputs, cacheRoot())
  const builds = services.map(({ name, source }) => {
    return { name, source, tag: serviceTag(name, source, base) }
  })
  const added = services.map(({ name, definition }, index) => {
    return { name, definition, image: builds[index]?.tag ?? '' }
  })
  return { added, builds }
}

/** Builds the missing images of services. */
export async function ensureServiceImages(
  { engine, docker, root, settings, log, signal }: Context,
  builds: readonly ServiceBuild[],
  base: string,
): Promise<void> {
  if (builds.length === 0) return
  const present = await engine.images('claude-secure/service-*')
  const tags = present.flatMap(({ RepoTags }) => RepoTags ?? [])
  const missing = builds.filter(({ tag }) => !tags.some(one => one.endsWith(tag)))
  if (missing.length === 0) return
  const { buildServiceImages } = await import('../../images/service-image.ts')
  await buildServiceImages(missing, {
    base,
    client: docker,
    network: userEnvironment(),
    authorities: settings.EXTRA_CA_CERTS,
    root,
    cache: cacheRoot(),
    state: stateRoot(),
    log,
    signal,
  })
}
