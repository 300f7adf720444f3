import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { type ComposeProject, compose } from '../engine/compose.ts'
import type { Engine, NetworkSummary } from '../engine/engine.ts'
import { bridgeName } from '../engine/engine.ts'
import {
  answersArpByDefault,
  type ReversePath,
  readBoot,
  readDefaultReversePath,
  readReversePath,
  turnOnReversePath,
} from '../machine/reverse-path.ts'
import { composeLabels, labels } from './labels.ts'
import { filterOnEngine } from './reverse-path-container.ts'
import { composeProject, type Stack } from './stack.ts'
import type { StartContext } from './start-context.ts'
import { type FilterEvidence, writeFilterEvidence } from './state/filter-file.ts'
import { isRecorded, recordFilter } from './state/filter-record.ts'

const down = ['down', '--remove-orphans', '--timeout', '5']

/** What is asked of the kernel that this process runs on. */
export type HostKernel = {
  addresses: typeof networkInterfaces
  readFilter: (bridge: string) => Promise<ReversePath>
  turnOn: (bridge: string) => Promise<void>
  /** The filter of new interfaces, as after a reboot. */
  readDefault: () => Promise<ReversePath>
  answersArp: () => Promise<boolean>
  boot: () => Promise<string | null>
}

const thisKernel: HostKernel = {
  addresses: networkInterfaces,
  readFilter: readReversePath,
  turnOn: turnOnReversePath,
  readDefault: readDefaultReversePath,
  answersArp: answersArpByDefault,
  boot: readBoot,
}

/** A stack whose internal networks are closed. */
export type ClosedStack = Pick<Stack, 'identity' | 'state' | 'settings'> & {
  images: Pick<Stack['images'], 'proxy'>
  project: ComposeProject
}

/**
 * Closes the internal networks to the host: no address of the host on their bridges (threat N1), and a reverse
 * path filter there, because a socket that is bound to its interface sends datagrams without a route (N19). Both
 * are observed, because an engine that ignores an option reports no error. Throws when one of them is missing;
 * a stack that was brought up just now is taken down first.
 */
export async function closeHostSide(
  context: StartContext,
  given: Stack | ClosedStack,
  { running, kernel = thisKernel }: { running: boolean; kernel?: HostKernel },
): Promise<void> {
  const stack = 'project' in given ? given : { ...given, project: composeProject(given) }
  const networks = await internalNetworks(context.engine, stack.identity.name)
  try {
    refuseHostAddress(networks, kernel)
    const seen = await holdFilters(context, stack, { networks, running, kernel })
    await writeFilterEvidence(
      stack.state,
      await filterEvidence(context.engine, stack, seen && kernel),
    )
  } catch (error) {
    if (!running) await compose(context.docker, stack.project, down)
    throw error
  }
}

async function internalNetworks(engine: Pick<Engine, 'networks'>, project: string) {
  const networks = await engine.networks([`${composeLabels.project}=${project}`])
  return networks.filter(({ Name }) => Name.endsWith('-internal'))
}

/**
 * Returns what the agent's containers go by when the engine restarts them. The boot counts only with the kernel that
 * has the bridges in sight: a rootless engine makes new ones without a reboot. Where new bridges have no filter,
 * nothing but the boot counts: a host that answers late, or not at all, must not pass for one that filters.
 */
async function filterEvidence(
  engine: Pick<Engine, 'containers'>,
  { identity, settings }: Pick<Stack, 'identity' | 'settings'>,
  kernel: HostKernel | false,
): Promise<FilterEvidence> {
  if (!kernel) return { boot: null, ask: await addressOfHost(engine, identity.name) }
  const [boot, byDefault, answers] = await Promise.all([
    kernel.boot(),
    kernel.readDefault(),
    kernel.answersArp(),
  ])
  // A virtual machine for each container (kata) has another boot.
  const asks = (byDefault === true || settings.RUNTIME !== undefined) && answers
  return { boot, ask: asks ? await addressOfHost(engine, identity.name) : null }
}

/** Returns the host's address on the network of the proxy alone. The engine does not list each network's gateway. */
async function addressOfHost(engine: Pick<Engine, 'containers'>, stack: string) {
  const containers = await engine.containers([`${labels.stack}=${stack}`])
  const networks = containers.map(({ NetworkSettings }) => NetworkSettings?.Networks ?? {})
  const address = networks.map(all => all[`${stack}_proxy-external`]?.Gateway ?? '').find(isIPv4)
  return address ?? null
}

function refuseHostAddress(networks: readonly NetworkSummary[], kernel: HostKernel) {
  const interfaces = kernel.addresses()
  for (const network of networks) {
    // A link-local IPv6 address is on every interface; IPv6 is off inside the containers.
    const address = interfaces[bridgeName(network)]?.find(
      ({ address }) => !address.startsWith('fe80:'),
    )?.address
    if (!address) continue
    throw new UserError(`the engine gave the host the address ${address} on ${network.Name}`, {
      hint: `update the engine, because the agent could reach services of this host there; run ${command('doctor')} for details`,
    })
  }
}

type Found = { networks: readonly NetworkSummary[]; running: boolean; kernel: HostKernel }

/** Returns whether this process sees the bridges. */
async function holdFilters(
  context: StartContext,
  stack: ClosedStack,
  { networks, running, kernel }: Found,
): Promise<boolean> {
  const bridges = new Map(networks.map(network => [bridgeName(network), network.Name]))
  const states = await Promise.all([...bridges.keys()].map(name => holdHere(name, kernel)))
  const left = [...bridges.keys()].filter((_, index) => states[index] !== true)
  if (left.length === 0) return bridges.size > 0
  const seen = states.every(state => state !== null)
  const unseen = states.every(state => state !== false)
  if (unseen && running && (await isRecorded(context.engine, stack, left))) return false
  const found = await filterOnEngine(context, stack.images.proxy, left)
  const off = left.find(name => found.get(name) === false)
  if (off !== undefined) throw filterOff(off, bridges.get(off) ?? off)
  const unknown = left.filter(name => found.get(name) !== true)
  for (const name of unknown) {
    context.log({
      kind: 'warn',
      text: `cannot see the bridge of ${bridges.get(name)} on the engine's machine: that machine may accept datagrams from the agent (docs/security.md, N19)`,
    })
  }
  if (unknown.length === 0 && unseen) await recordFilter(context.engine, stack, left)
  return seen
}

/** Turns the filter of one bridge on from here, which root can. */
async function holdHere(name: string, kernel: HostKernel): Promise<ReversePath> {
  const before = await kernel.readFilter(name)
  if (before !== false) return before
  await kernel.turnOn(name)
  return kernel.readFilter(name)
}

function filterOff(bridge: string, network: string) {
  return new UserError(
    `this host accepts datagrams from the agent on ${network}: the reverse path filter of ${bridge} stays off`,
    {
      hint: `run sysctl -w net.ipv4.conf.default.rp_filter=2 as root, then ${command('stop')} and ${command('start')}`,
    },
  )
}
