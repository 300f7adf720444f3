import { command } from '../base/command.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { Engine } from '../engine/engine.ts'
import { bridgeName } from '../engine/engine.ts'
import {
  type ReversePath,
  readDefaultReversePath,
  readReversePath,
} from '../machine/reverse-path.ts'
import { isStackName } from '../stack/identity.ts'
import { composeLabels } from '../stack/labels.ts'
import { type Check, note, ok, warning } from './diagnosis.ts'

export type ReversePaths = {
  /** The filter of interfaces that do not exist yet. */
  ofNew: ReversePath
  /** The internal networks of all stacks, with the filter of their bridges. */
  networks: readonly { name: string; filter: ReversePath }[]
}

export async function readReversePaths(engine: Pick<Engine, 'networks'>): Promise<ReversePaths> {
  const networks = await engine.networks([composeLabels.project])
  const inner = networks.filter(
    ({ Name, Labels }) =>
      Name.endsWith('-internal') && isStackName(Labels?.[composeLabels.project] ?? ''),
  )
  return {
    ofNew: await readDefaultReversePath(),
    networks: await Promise.all(
      inner.map(async network => ({
        name: network.Name,
        filter: await readReversePath(bridgeName(network)),
      })),
    ),
  }
}

/** Judges whether this host drops datagrams that an agent sends past its routing table (threat N19). */
export function judgeReversePath({ ofNew, networks }: ReversePaths): Check[] {
  const id = 'reverse-path'
  const open = networks.filter(({ filter }) => filter === false).map(({ name }) => name)
  if (open.length > 0) {
    return [
      warning(
        id,
        `this host accepts datagrams from ${terminalLine(open.join(', '), 1_000)}: the reverse path filter is off`,
        `run ${command('start --detach')} in the folder of each stack: it turns the filter on`,
      ),
    ]
  }
  const unseen = networks.filter(({ filter }) => filter === null).length
  if (unseen > 0) {
    return [
      note(
        id,
        `the bridges of ${unseen} networks are not on this machine: whether it drops datagrams of agents is not checked`,
        `run ${command('audit --probe N19')} to see what start found on the machine of the engine`,
      ),
    ]
  }
  if (ofNew) return [ok(id, 'new networks drop datagrams to this host (rp_filter)')]
  return [
    warning(
      id,
      'start turns the reverse path filter on for its networks, but after a reboot they lack it until the next start',
      'put net.ipv4.conf.default.rp_filter=2 into a file of /etc/sysctl.d, and run sysctl --system',
    ),
  ]
}
