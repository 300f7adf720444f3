import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { command } from '../../base/command.ts'
import { parseJson } from '../../base/json.ts'
import { lastLine } from '../../base/terminal-text.ts'
import { bridgeName } from '../../engine/engine.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { readReversePath } from '../../machine/reverse-path.ts'
import { isRecorded } from '../../stack/state/filter-record.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { openDatagramCanary } from '../datagram-canary.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'
import { gateways, innerNetworks } from './n01-host-services.ts'

const heldBack = 'the engine restarts the agent only while the host drops its datagrams'
const entrypoint = '/usr/local/bin/claude-secure-when-filtered'
const evidenceFile = '/etc/claude-secure/filter'

const Sent = z.object({ sent: z.number(), connected: z.array(z.string()) })

/** A socket that is bound to its interface needs no route: a bridge carries its datagrams to the host (measured). */
export const datagrams: Probe = {
  id: 'N19',
  title: 'datagrams past the routing table',
  attack:
    'bind sockets of the agent to its network interface in every way, and send to each address of this host',
  standards: [standards.networkAccess],
  async run(scene) {
    return [
      await orUnknown('no datagram or connection past the routing table reaches this host', () =>
        attackHost(scene),
      ),
      await filtersAreOn(scene),
      await orUnknown(heldBack, () => agentsAreHeldBack(scene)),
    ]
  },
}

async function attackHost(scene: Scene): Promise<Check> {
  const canary = await openDatagramCanary()
  try {
    const addresses = [...new Set([...canary.addresses, ...gateways(scene)])]
    const program = await readFile(join(scene.root, 'src/audit/inside/datagrams.py'), 'utf8')
    const arguments_ = [`${canary.port}`, canary.word, ...addresses]
    const ran = await scene.agent.run(['/usr/bin/python3', '-c', program, ...arguments_])
    const answer = Sent.safeParse(parseJson(ran.stdout))
    if (!answer.success) throw new Error(`the attack did not run: ${lastLine(ran.stderr, 200)}`)
    const { sent, connected } = answer.data
    if (sent === 0) throw new Error('the kernel of the agent sent no datagram')
    // Datagrams of one machine arrive at once; the wait is for a busy one.
    await new Promise(resolve => setTimeout(resolve, 500))
    const arrived = [...canary.arrivals().map(text => text.replace(canary.word, '').trim())]
    return check(
      'no datagram or connection past the routing table reaches this host',
      arrived.length === 0 && connected.length === 0,
      arrived.length + connected.length === 0
        ? `${sent} datagrams by UDP and ICMP sent to ${addresses.length} addresses, no UDP and no TCP arrived; ICMP is not listened to`
        : `${arrived.length} arrived: ${list([...new Set(arrived)])}${connected.length > 0 ? `; connected: ${list(connected)}` : ''}`,
    )
  } finally {
    await canary.close()
  }
}

async function filtersAreOn(scene: Scene): Promise<Check> {
  const claim = 'the host drops what arrives from these networks'
  const networks = innerNetworks(scene)
  const states = await Promise.all(
    networks.map(async network => ({ network, on: await readReversePath(bridgeName(network)) })),
  )
  const off = states.filter(({ on }) => on === false).map(({ network }) => network.Name)
  const unseen = states.filter(({ on }) => on === null).map(({ network }) => network)
  if (off.length > 0 || networks.length === 0) {
    return check(claim, false, `rp_filter is 0 on the bridge of ${list(off) || 'no network'}`)
  }
  if (unseen.length === 0) {
    const names = networks.map(({ Name }) => Name)
    return check(claim, true, `rp_filter is on for the bridges of ${list(names)}`)
  }
  const names = list(unseen.map(({ Name }) => Name))
  const stack = { identity: { name: scene.stack.stack }, state: stateFolder(scene.stack.stack) }
  const seen = await isRecorded(scene.engine, stack, unseen.map(bridgeName)).catch(() => false)
  return {
    claim,
    verdict: seen ? 'weak' : 'unknown',
    evidence: seen
      ? `start turned rp_filter on for ${names}; this process does not see their bridges, nor what arrives at the engine's machine`
      : `the bridges of ${names} are on a machine that this process does not see`,
  }
}

/** A reboot resets the filter, and the engine starts the containers before anyone runs `start`. */
async function agentsAreHeldBack(scene: Scene): Promise<Check> {
  const defects = await Promise.all(
    scene.agents.map(async name => {
      const { Config, Mounts } = scene.service(name)
      const [program, file] = Config.Entrypoint ?? []
      const mount = Mounts.find(({ Destination }) => Destination === evidenceFile)
      if (program !== entrypoint || file !== evidenceFile || mount?.RW !== false) {
        return `${name} starts without the check: run ${command('stop')} and ${command('start')}`
      }
      const without = await scene.inside(name, [entrypoint, '/dev/null', 'true'])
      if (without.code !== 78) return `${name} starts without evidence`
      // What the next start of the container reads: the running one still has the file that it started with.
      const evidence = await readRegularFile(mount.Source, { limit: 4096 })
      if (evidence.kind !== 'bytes' || `${evidence.bytes}`.includes('starting')) {
        return `${name} starts regardless of the filter: run ${command('start')}`
      }
      return null
    }),
  )
  const found = defects.filter(defect => defect !== null)
  const evidence = `${list(scene.agents)} would not start without evidence of the filter`
  return check(heldBack, found.length === 0, found.length > 0 ? list(found) : evidence)
}
