import { networkInterfaces } from 'node:os'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { compose } from '../engine/compose.ts'
import type { Engine, NetworkSummary } from '../engine/engine.ts'
import { bridgeName } from '../engine/engine.ts'
import { type ReversePath, readReversePath, turnOnReversePath } from '../machine/reverse-path.ts'
import { composeLabels } from './labels.ts'
import { filterOnEngine } from './reverse-path-container.ts'
import { composeProject, type Stack } from './stack.ts'
import type { StartContext } from './start-context.ts'
import { isRecorded, recordFilter } from './state/filter-record.ts'

const down = ['down', '--remove-orphans', '--timeout', '5']

/** What is asked of the kernel that this process runs on. */
export type HostKernel = {
  addresses: typeof networkInterfaces
  readFilter: (bridge: string) => Promise<ReversePath>
  turnOn: (bridge: string) => Promise<void>
}

const thisKernel: HostKernel = {
  addresses: networkInterfaces,
  readFilter: readReversePath,
  turnOn: turnOnReversePath,
}

/**
 * Closes the internal networks to the host: no address of the host on their bridges (threat N1), and a reverse
 * path filter there, because a socket that is bound to its interface sends datagrams without a route (N19). Both
 * are observed, because an engine that ignores an option reports no error. Throws when one of them is missing;
 * a stack that was brought up just now is taken down first.
 */
export async function closeHostSide(
  context: StartContext,
  stack: Stack,
  { running, kernel = thisKernel }: { running: boolean; kernel?: HostKernel },
): Promise<void> {
  const networks = await internalNetworks(context.engine, stack.identity.name)
  try {
    refuseHostAddress(networks, kernel)
    await holdFilters(context, stack, { networks, running, kernel })
  } catch (error) {
    if (!running) await compose(context.docker, composeProject(stack), down)
    throw error
  }
}

async function internalNetworks(engine: Pick<Engine, 'networks'>, project: string) {
  const networks = await engine.networks([`${composeLabels.project}=${project}`])
  return networks.filter(({ Name }) => Name.endsWith('-internal'))
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

async function holdFilters(
  context: StartContext,
  stack: Stack,
  { networks, running, kernel }: Found,
) {
  const bridges = new Map(networks.map(network => [bridgeName(network), network.Name]))
  const states = await Promise.all([...bridges.keys()].map(name => holdHere(name, kernel)))
  const left = [...bridges.keys()].filter((_, index) => states[index] !== true)
  if (left.length === 0) return
  const unseen = states.every(state => state !== false)
  if (unseen && running && (await isRecorded(context.engine, stack, left))) return
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
