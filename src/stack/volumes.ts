import { UserError } from '../base/errors.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import type { Engine, VolumeSummary } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec } from '../process/exec.ts'
import { serviceVolume, splitVolume } from './additions/added-service.ts'
import {
  describeStack,
  identityLabels,
  isSameStack,
  parseIdentityLabels,
  renderIdentityLabels,
  type StackIdentity,
} from './identity.ts'
import { composeLabels } from './labels.ts'
import { servicesOf } from './services.ts'
import { addedServices, homeVolume, type Stack } from './stack.ts'
import { renameHint } from './state/owner.ts'

/** Returns the engine's volumes that have the name of a stack as their compose project. */
export function volumesOf(engine: Pick<Engine, 'volumes'>, stack: string) {
  return engine.volumes([`${composeLabels.project}=${stack}`])
}

/**
 * Refuses a volume whose labels name another stack: names hold 32 bits of a hash, and a volume remains
 * when the containers and the state folder were removed (threat R3). Volumes of versions without
 * labels are accepted.
 */
export function refuseOtherVolumes(identity: StackIdentity, volumes: readonly Labelled[]) {
  refuseOthers(identity, volumes, 'volume')
}

/** Refuses a network that a start of another stack left behind; those of earlier versions have no labels. */
export async function refuseOtherNetworks(
  engine: Pick<Engine, 'networks'>,
  identity: StackIdentity,
): Promise<void> {
  const networks = await engine.networks([`${composeLabels.project}=${identity.name}`])
  refuseOthers(identity, networks, 'network')
}

type Labelled = Pick<VolumeSummary, 'Name' | 'Labels'>

function refuseOthers(identity: StackIdentity, found: readonly Labelled[], kind: string) {
  for (const { Name, Labels } of found) {
    if (Labels?.[identityLabels.stack] === undefined) continue
    const owner = parseIdentityLabels(Labels)
    if (owner !== null && isSameStack(owner, identity)) continue
    const theirs = owner === null ? 'an unknown kind of stack' : describeStack(owner, identity)
    const ours = describeStack(identity, owner ?? undefined)
    const [shown, own] = [theirs, ours].map(text => terminalLine(text, 200))
    throw new UserError(
      `the ${kind} ${terminalLine(Name)} belongs to ${shown}, and ${own} has the same stack name`,
      { hint: renameHint(identity, owner) },
    )
  }
}

/**
 * Creates the volumes that Compose would create for `services`, with the stack's identity as labels.
 * Not through the compose file: Compose offers to recreate, and so to empty, an existing volume whose
 * labels there changed.
 */
export async function createVolumes(
  { engine, docker, signal }: { engine: Engine; docker: DockerClient; signal?: AbortSignal },
  stack: Stack,
  services: readonly string[],
): Promise<void> {
  const needed = neededVolumes(stack, services)
  await createNamedVolumes({ engine, docker, ...(signal && { signal }) }, stack.identity, needed)
}

/** A volume by its key in the compose file and its full name. */
export type NamedVolume = { key: string; name: string }

/** Creates those of `needed` that do not exist; refuses volumes of another stack. */
export async function createNamedVolumes(
  { engine, docker, signal }: { engine: Engine; docker: DockerClient; signal?: AbortSignal },
  identity: StackIdentity,
  needed: readonly NamedVolume[],
): Promise<void> {
  const present = await volumesOf(engine, identity.name)
  refuseOtherVolumes(identity, present)
  const missing = needed.filter(({ name }) => present.every(({ Name }) => Name !== name))
  await Promise.all(missing.map(volume => createVolume(docker, identity, volume, signal)))
}

/** Returns key in compose.yaml and full name of each volume. Compose creates those of a service without a profile always. */
export function neededVolumes(stack: Stack, services: readonly string[]): NamedVolume[] {
  const { identity, workspace } = stack
  const homes = servicesOf(identity.kind).flatMap(({ name, profile, home }) =>
    home && (profile === null || services.includes(name))
      ? [{ key: home.volume, name: homeVolume(identity, home.volume, workspace.agent.uid) }]
      : [],
  )
  const data = addedServices(stack)
    .filter(service => services.includes(service.name))
    .flatMap(service =>
      service.definition.volumes.map(volume => {
        const key = serviceVolume(service.name, splitVolume(volume).volume)
        return { key, name: `${identity.name}_${key}` }
      }),
    )
  const copy = { key: 'workspace', name: `${identity.name}_workspace` }
  return [...homes, ...data, ...(workspace.mode === 'copy' ? [copy] : [])]
}

async function createVolume(
  docker: DockerClient,
  identity: StackIdentity,
  { key, name }: NamedVolume,
  signal: AbortSignal | undefined,
) {
  const labels = {
    [composeLabels.project]: identity.name,
    [composeLabels.volume]: key,
    ...renderIdentityLabels(identity),
  }
  const options = Object.entries(labels).flatMap(([label, value]) => [
    '--label',
    `${label}=${value}`,
  ])
  const args = ['volume', 'create', ...options, name]
  const { code, stderr } = await exec(docker.file, args, { env: docker.env, signal })
  if (code === 0) return
  throw new UserError(`cannot create the volume ${name}: ${lastLine(stderr)}`, {
    hint: 'run docker info to check the engine and its free space',
    cause: new Error(stderr),
  })
}
