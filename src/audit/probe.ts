import { messageOf } from '../base/errors.ts'
import { statedReason } from './added-services.ts'
import type { InspectedContainer } from './inspections.ts'
import type { LiveFacts } from './live-facts.ts'
import type { Scene } from './scene.ts'

/**
 * `held`: the attack failed. `open`: it succeeded, or a control that stops it is missing. `weak`: the
 * control holds, and the layer below it is known to be fragile. `unknown`: the attack could not be
 * tried, which counts as failure: an unobserved control is not proven.
 */
export type Verdict = 'held' | 'weak' | 'open' | 'unknown'

/** One attempt or observation of a probe. */
export type Check = {
  /** States the control that holds: "no capability is left". Unique within the probe. */
  claim: string
  verdict: Verdict
  /** A short observation. Parts of it may come from a hostile container. */
  evidence: string
}

/** One row of the threat list, attacked. */
export type Probe = {
  /** The threat's ID: N1, C2, H3, S1. */
  id: string
  title: string
  /** The attack in a sentence. */
  attack: string
  /** Recommendations of standards that the probe covers, such as "CIS Docker 1.6: 5.4". */
  standards: readonly string[]
  /** Keeps the machine or the twin busy, and therefore runs after all others. */
  busy?: boolean
  /** Throws only unexpected errors; the audit reports them as `unknown`. */
  run: (scene: Scene) => Promise<Check[]>
}

export function held(claim: string, evidence: string): Check {
  return { claim, verdict: 'held', evidence }
}

export function open(claim: string, evidence: string): Check {
  return { claim, verdict: 'open', evidence }
}

/** Builds a check. The evidence is the same whether it holds or not. */
export function check(claim: string, holds: boolean, evidence: string): Check {
  return { claim, verdict: holds ? 'held' : 'open', evidence }
}

/** Makes a check. If that fails, the check is `unknown` and the probe's other checks remain. */
export async function orUnknown(claim: string, make: () => Promise<Check>): Promise<Check> {
  return make().catch((error: unknown) => ({
    claim,
    verdict: 'unknown',
    evidence: `could not be tried: ${messageOf(error)}`,
  }))
}

/** A short description of the defect of a service, or null. */
export type Defect = string | null

/**
 * Checks one control in every service, as the engine reports it. The evidence names the services that
 * lack it.
 */
export function everyService(
  scene: Pick<Scene, 'inspections'>,
  claim: string,
  defect: (container: InspectedContainer, service: string) => Defect,
): Check {
  return judge(
    claim,
    [...scene.inspections.containers].map(([service, container]) => ({
      service,
      container,
      defect: defect(container, service),
    })),
    'as the engine reports',
  )
}

/** Checks one control in every service, as the kernel inside reports it. */
export async function everyServiceLive(
  scene: Pick<Scene, 'inspections' | 'liveFacts'>,
  claim: string,
  defect: (facts: LiveFacts, container: InspectedContainer, service: string) => Defect,
): Promise<Check> {
  const facts = await scene.liveFacts()
  const unseen: string[] = []
  const judged: Judged[] = []
  for (const [service, container] of scene.inspections.containers) {
    const seen = facts.get(service)
    if (seen) judged.push({ service, container, defect: defect(seen, container, service) })
    else unseen.push(service)
  }
  const result = judge(claim, judged, 'as the kernel inside reports')
  if (result.verdict === 'open' || unseen.length === 0) return result
  return { claim, verdict: 'unknown', evidence: `cannot run a program in ${unseen.join(', ')}` }
}

type Judged = { service: string; container: InspectedContainer; defect: Defect }

/** A defect that the user stated with a reason, for a service of their own, is `weak`. */
function judge(claim: string, services: readonly Judged[], source: string): Check {
  if (services.length === 0) {
    return { claim, verdict: 'unknown', evidence: 'the stack has no services' }
  }
  const defective = services.flatMap(({ service, container, defect }) => {
    if (defect === null) return []
    const reason = statedReason(claim, service, container)
    const text = `${service}: ${defect}${reason === null ? '' : ` (${reason})`}`
    return [{ text, stated: reason !== null }]
  })
  if (defective.length > 0) {
    const evidence = defective.map(({ text }) => text).join('; ')
    return { claim, verdict: defective.every(({ stated }) => stated) ? 'weak' : 'open', evidence }
  }
  const names = services.map(({ service }) => service).sort()
  return { claim, verdict: 'held', evidence: `${names.join(', ')}, ${source}` }
}
