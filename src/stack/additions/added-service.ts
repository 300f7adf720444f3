import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { ServiceDefinition } from '../../config/added-service.ts'
import { escapeVariables } from '../../engine/compose.ts'
import { type ImageProgram, renderWhenFiltered } from './when-filtered.ts'

/** A service that the user puts beside the agent, with the tag of its image. */
export type AddedService = {
  name: string
  image: string
  definition: ServiceDefinition
  /** Known once the image is built. */
  program?: ImageProgram
}

/** Hardening of every service, as compose.yaml states it. */
export type Hardening = Readonly<Record<string, unknown>> & { tmpfs: readonly string[] }

const ComposeFile = z.looseObject({
  'x-hardened': z.looseObject({ tmpfs: z.array(z.string()) }),
  'x-stack-names-only': z.looseObject({}),
})

/** Reads the hardening from compose.yaml, so that it is stated once. */
export async function readHardening(root: string): Promise<Hardening> {
  const { parse } = await import('yaml')
  const file = ComposeFile.parse(
    parse(await readFile(join(root, 'compose.yaml'), 'utf8'), { merge: true }),
  )
  return { ...file['x-hardened'], ...file['x-stack-names-only'] }
}

/** The only network of an added service. */
export const networkOfAddedServices = 'claude-internal'

/** Returns the key of a service's volume. Dots keep it apart: names of services and volumes have none. */
export function serviceVolume(service: string, volume: string): string {
  return `service.${service}.${volume}`
}

/** Returns the service that a volume of a stack belongs to; null for another volume. */
export function serviceOfVolume(stack: string, volume: string): string | null {
  const key = volume.startsWith(`${stack}_`) ? volume.slice(stack.length + 1) : ''
  return /^service\.([a-z0-9-]+)\.[a-z0-9-]+$/.exec(key)?.[1] ?? null
}

/** Splits `data:/var/lib/data`. */
export function splitVolume(volume: string): { volume: string; target: string } {
  const [name = '', target = ''] = volume.split(':')
  return { volume: name, target }
}

/** Renders the service for a compose file: hardened, on one network, without a port or a host path. */
export function renderAddedService(
  { name, image, definition, program }: AddedService,
  hardening: Hardening,
  evidence: string,
): { healthcheck: object; [key: string]: unknown } {
  const { exceptions, environment, tmpfs, volumes, mem_limit, healthcheck } = definition
  const { working_dir } = definition
  const { entrypoint, command, mount } = renderWhenFiltered({ definition, program }, evidence)
  const capabilities = Object.keys(exceptions).flatMap(exception =>
    exception.startsWith('capability-') ? [exception.slice('capability-'.length)] : [],
  )
  const scratch = 'executable-tmp' in exceptions ? hardening.tmpfs.map(executable) : hardening.tmpfs
  return {
    ...hardening,
    image,
    user: definition.user,
    hostname: name,
    networks: [networkOfAddedServices],
    entrypoint,
    command,
    ...(working_dir !== undefined && { working_dir: escapeVariables(working_dir) }),
    environment: Object.fromEntries(
      Object.entries(environment).map(([key, value]) => [key, escapeVariables(String(value))]),
    ),
    expose: definition.expose.map(String),
    volumes: [
      ...volumes.map(splitVolume).map(({ volume, target }) => ({
        type: 'volume',
        source: serviceVolume(name, volume),
        target,
      })),
      mount,
    ],
    tmpfs: [
      ...scratch,
      ...Object.entries(tmpfs).map(
        ([path, size]) => `${path}:size=${size},mode=1777,noexec,nosuid,nodev`,
      ),
    ],
    read_only: !('writable-root' in exceptions),
    ...(capabilities.length > 0 && { cap_add: capabilities }),
    mem_limit,
    memswap_limit: mem_limit,
    cpus: definition.cpus,
    pids_limit: definition.pids_limit,
    shm_size: definition.shm_size,
    stop_grace_period: definition.stop_grace_period,
    healthcheck: { ...healthcheck, test: healthcheck.test.map(escapeVariables) },
  }
}

function executable(mount: string) {
  return mount.startsWith('/tmp:') ? mount.replace(',noexec', '') : mount
}

/** The part of an added service that the labels of its stack hold, for `audit`. */
export const ServiceSummary = z.strictObject({
  name: z.string(),
  expose: z.array(z.int()),
  volumes: z.array(z.string()),
  exceptions: z.record(z.string(), z.string()),
})
export type ServiceSummary = z.infer<typeof ServiceSummary>

export function summarise({ name, definition }: AddedService): ServiceSummary {
  const { expose, volumes, exceptions } = definition
  return {
    name,
    expose,
    volumes: volumes.map(volume => splitVolume(volume).target),
    exceptions: { ...exceptions },
  }
}
