import { parseAllowlist } from '../../egress/allowlist.ts'
import { connectTo, firstLine, list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** A name that is on no list, and below a suffix that has no names. */
const unlisted = 'unlisted.audit.invalid'

/** Each kind of caller has a list of its own, and the proxy tells the callers by their networks. */
export const listsOfCallers: Probe = {
  id: 'W4',
  title: "the names of another part's list",
  attack: "ask the proxy for the server's names from a worker, and for all others from the server",
  standards: [standards.networkAccess, standards.separation],
  async run(scene) {
    const { agent, grantable, gateway, login, server } = parseAllowlist(
      await scene.policy(),
      'the policy in force',
    )
    const names = (...sites: { name: string }[][]) => [
      ...new Set([unlisted, ...sites.flat().map(({ name }) => name.replace(/^\./, 'x.'))]),
    ]
    const without = (all: readonly string[], own: readonly { name: string }[]) =>
      all.filter(name => !own.some(site => site.name.replace(/^\./, 'x.') === name))
    const ofServer = without(names(agent, grantable, gateway, login), server)
    const ofWorker = without(names(server, gateway, login), agent)
    const checks = await Promise.all([
      refused(scene, 'server', 'egress', ofServer),
      ...scene.agents.map(worker => refused(scene, worker, 'proxy', ofWorker)),
    ])
    return checks
  },
}

function refused(
  scene: Scene,
  from: string,
  proxy: string,
  names: readonly string[],
): Promise<Check> {
  const claim = `the proxy refuses ${from} the names of every other list`
  return orUnknown(claim, async () => {
    const attacker = scene.attackerIn(from)
    const answers = await Promise.all(
      names.map(async name => ({
        name,
        ...(await attacker.tunnel(connectTo(name), 'nothing', { host: proxy, wait: 8_000 })),
      })),
    )
    const silent = answers.find(({ received }) => received === '')
    if (silent) throw new Error(`the proxy gave no answer: ${silent.error ?? 'nothing'}`)
    // The page for a caller that the proxy knows, and a name that is not on its list.
    const open = answers.filter(({ received }) => !/is not on the allowlist/.test(received))
    const [first] = open
    return check(
      claim,
      open.length === 0,
      first
        ? `${list(open.map(({ name }) => name))}: ${firstLine(first)}`
        : `refused: ${list(names)}`,
    )
  })
}
