import { messageOf } from '../../base/errors.ts'
import { parseAllowlist } from '../../egress/allowlist.ts'
import { siteFindings } from '../../egress/findings.ts'
import {
  type Attempt,
  attemptAll,
  connectTo,
  list,
  listedNameWorks,
  noneReached,
} from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, held, open, type Probe } from '../probe.ts'

/** Anyone may register a name below a shared suffix; below any name its owner answers DNS queries. */
export const wildcard: Probe = {
  id: 'N4',
  title: 'names below a listed one',
  attack: 'register a name below a listed suffix, or put data in front of a listed name',
  standards: [standards.networkAccess],
  async run(scene) {
    const [twin, policy] = await Promise.all([scene.twin(), scene.policy()])
    const { names } = twin
    const below = [names.belowListed, `x.${names.listed}`, `not${names.listed}`]
    const attempts = below.map(
      (host): Attempt => ({ name: host, request: connectTo(host), follow: { hello: host } }),
    )
    const [works, attempted] = await Promise.all([
      listedNameWorks(twin),
      attemptAll(twin, attempts),
    ])
    const asked = (await twin.seen()).flatMap(event => {
      if (event.kind !== 'question') return []
      return below.includes(event.name) && event.name !== names.listed ? [event.name] : []
    })
    return [
      works,
      noneReached('a name below a listed one is not reached', attempted),
      check(
        'a name below a listed one is not looked up',
        asked.length === 0,
        asked.length > 0 ? `looked up: ${list(asked)}` : `no query for: ${list(below)}`,
      ),
      entries(policy),
    ]
  },
}

/** Checks each entry of the lists in force, as `doctor` does. */
function entries(policy: string): Check {
  const claim = 'each entry of the lists in force admits a single name'
  try {
    const allowlist = parseAllowlist(policy, 'the policy in force')
    // N15 covers names that the agent should not have at all.
    const findings = siteFindings(allowlist).filter(({ advice }) => !/gateway/.test(advice))
    const count = Object.values(allowlist).flat().length
    const worst = findings.find(({ severity }) => severity === 'open') ?? findings[0]
    if (!worst) return held(claim, `${count} entries, each one name`)
    const evidence = list(
      findings.map(({ message }) => message),
      3,
    )
    return { claim, verdict: worst.severity, evidence }
  } catch (error) {
    return open(claim, messageOf(error))
  }
}
