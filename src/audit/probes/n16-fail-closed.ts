import { messageOf } from '../../base/errors.ts'
import { findings } from '../../egress/findings.ts'
import { list, reached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, open, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** A rejected policy or a missing proxy must leave less open, not more. */
export const failClosed: Probe = {
  id: 'N16',
  title: 'a policy that is not in force, or a way around the proxy',
  attack: 'wait for a bad edit, a reload or a crash of the proxy, and connect meanwhile',
  standards: [standards.networkAccess],
  async run(scene) {
    const parts = await Promise.all([around(scene), inForce(scene), badPolicies(scene)])
    return parts.flat()
  },
}

/** Checks the agent's other ways out, which remain when the proxy is gone. */
function around(scene: Scene): Promise<Check[]> {
  const noRoute = 'the agent has routes only to its own networks'
  const noAnswer = 'no answer comes from outside without the proxy'
  return Promise.all([
    orUnknown(noRoute, async () => {
      const routes = await scene.agent.read('/proc/net/route')
      const lines = routes.text.trim().split('\n').slice(1)
      const outward = lines.filter(line => !/^\S+\s+\S+\s+0{8}\s/.test(line))
      return check(
        noRoute,
        lines.length > 0 && outward.length === 0,
        outward.length > 0
          ? `a gateway: ${outward[0]?.split(/\s+/, 3).join(' ')}`
          : `${lines.length} routes`,
      )
    }),
    orUnknown(noAnswer, async () => {
      const { attacker, network, word } = await scene.twin()
      const [live, twin, direct] = await Promise.all([
        scene.agent.dial(network.canaryOutside, 443, { until: word, wait: 2_000 }),
        attacker.dial(network.canaryOutside, 443, { until: word, wait: 2_000 }),
        attacker.dial(network.canaryAgent, 443, { until: word, wait: 60_000 }),
      ])
      return check(
        noAnswer,
        reached(direct, word) && !reached(live, word) && !reached(twin, word),
        `${network.canaryOutside}:443 gives ${live.error ?? 'no answer'}; a neighbour answers`,
      )
    }),
  ])
}

async function inForce(scene: Scene): Promise<Check[]> {
  const claim = 'the rules in force are those of claude-secure, in their order'
  let policy: string
  try {
    policy = await scene.policy()
  } catch (error) {
    return [open(claim, messageOf(error))]
  }
  const [mounted, refused] = await Promise.all([
    scene.inside('proxy', ['cat', '/etc/claude-secure/proxy/squid.conf']),
    scene.inside('proxy', ['test', '-e', '/run/squid/refused']),
  ])
  const rules = findingsIn(policy)
  return [
    check(
      claim,
      rules.length === 0,
      rules.length > 0 ? list(rules, 3) : 'nothing missing or foreign',
    ),
    check(
      'the file on this host is the policy in force',
      refused.code !== 0 && mounted.code === 0 && sameRules(mounted.stdout, policy),
      refused.code === 0
        ? 'the proxy refused the file and keeps an older one'
        : 'squid.conf and the policy of the proxy were compared',
    ),
  ]
}

/** Returns the findings of a policy. A policy that cannot be parsed is foreign. */
function findingsIn(policy: string): string[] {
  try {
    return findings(policy, 'the policy in force')
      .filter(({ severity }) => severity === 'open')
      .map(({ message }) => message)
  } catch (error) {
    return [messageOf(error)]
  }
}

/** Compares the rules without expired names, which the proxy leaves out. */
function sameRules(mounted: string, policy: string) {
  const lines = (text: string) =>
    text
      .split('\n')
      .map(line => line.trim())
      .filter(line => line && !line.startsWith('#') && !/#\s*until\b/.test(line))
  const inForce = lines(policy)
  const file = lines(mounted)
  return inForce.length === file.length && inForce.every((line, index) => line === file[index])
}

const refusesBad = 'the proxy refuses a policy that is broken, cut off or ends in allow'

/** Uses the proxy's own check, which decides whether an edit takes effect. */
async function badPolicies(scene: Scene): Promise<Check[]> {
  const policy = await scene.policy().catch(() => null)
  return policy === null ? [] : [await orUnknown(refusesBad, () => judgeBad(scene))]
}

async function judgeBad(scene: Scene): Promise<Check> {
  const twin = await scene.twin()
  const judge = (change: string) =>
    twin.inside('proxy', [
      'sh',
      '-c',
      `${change} /run/squid/policy.conf | /usr/local/lib/claude-secure/check-policy`,
    ])
  const bad: [string, string][] = [
    ['half a file', 'head -n 60'],
    ['a last rule that allows', "sed '$a http_access allow all'"],
    ['an unknown directive', "sed '$a no_such_directive on'"],
    ['an empty file', 'head -n 0'],
  ]
  const [good, ...results] = await Promise.all([
    judge('cat'),
    ...bad.map(async ([name, change]) => ({ name, ...(await judge(change)) })),
  ])
  const accepted = results.filter(({ code }) => code === 0).map(({ name }) => name)
  return check(
    refusesBad,
    good.code === 0 && accepted.length === 0,
    accepted.length > 0
      ? `accepted: ${list(accepted)}`
      : good.code === 0
        ? `refused: ${list(bad.map(([name]) => name))}`
        : `the policy in force itself is refused: ${good.stdout.trim()}`,
  )
}
